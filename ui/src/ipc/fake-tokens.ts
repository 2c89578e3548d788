// What the fake host says of tokens: claims as several servers write them, and any JWT that is pasted.
import type { AccessStatus, ClaimStatus, Inspection } from "./bindings";
import { say } from "./fake-settings";

const claims = (members: Record<string, unknown>): ClaimStatus[] =>
  Object.entries(members).map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));

export function inspectionOf({ received_at, expires_at, claims: shown }: AccessStatus): Inspection {
  const seconds = (at: string, ago = 0) => Math.floor(Date.parse(at) / 1000) - ago;
  const all = (ago: number, roles: string[], more: Record<string, unknown>) => [
    ...shown.filter(({ name }) => name !== "roles" && name !== "iat"),
    ...claims({
      iat: seconds(received_at, ago),
      exp: seconds(expires_at, ago),
      auth_time: seconds(received_at, 7200),
      jti: `f3a1${ago}`,
      azp: "latchkey-desktop",
      scope: "openid profile email offline_access",
      realm_access: { roles },
      resource_access: { billing: { roles: ["invoices:read", "invoices:write"] } },
      email_verified: true,
      ...more,
    }),
  ];
  return {
    jwt: true,
    header: claims({ alg: "RS256", typ: "at+jwt", kid: "2026-11" }),
    claims: all(0, ["admin", "billing", "support"], { org_id: "org_7Yk2" }),
    previous: all(2400, ["admin", "billing"], { acr: "urn:mace:incommon:iap:silver" }),
    signature: { kind: "verified", key: "2026-11 (RSA 2048, thumbprint 8b1f…e2)", algorithm: "RS256" },
  };
}

/** A site's cookie: nobody but the site can look into it. */
export const sealed = (): Inspection => ({
  jwt: false,
  header: [],
  claims: [],
  previous: null,
  signature: {
    kind: "not_checked",
    why: say("only the site can read its cookie; with its secret, so can you", "nur die Website kann ihr Cookie lesen; mit ihrem Geheimnis können Sie es auch"),
  },
});

export function inspectionOfText(token: string): Inspection {
  const parts = (token.split(/\s+/).at(-1) ?? "").split(".");
  const read = (part: string | undefined): Record<string, unknown> | null => {
    try {
      return JSON.parse(atob((part ?? "").replace(/-/g, "+").replace(/_/g, "/"))) as Record<string, unknown>;
    } catch {
      return null;
    }
  };
  const [header, payload] = [read(parts[0]), read(parts[1])];
  const jwt = parts.length === 3 && header !== null && payload !== null;
  const why = jwt
    ? say("no account is of the issuer that it names, so there are no keys to hold it against", "kein Konto gehört zu dem Aussteller, den es nennt; daher gibt es keine Schlüssel, um es zu prüfen")
    : say("it names no issuer", "es nennt keinen Aussteller");
  return { jwt, header: jwt ? claims(header) : [], claims: jwt ? claims(payload) : [], signature: { kind: "not_checked", why } };
}
