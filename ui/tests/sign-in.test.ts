// Signing in on the provider's own page, as a person meets it.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { corp, iso, signedIn, withCode } from "../src/ipc/fake-sessions";
import { picture } from "../src/ipc/fake-picture";
import { host, site } from "../src/sign-in/site";
import { NOW, openWindow, pass } from "./helpers";

const get = (id: string) => screen.getByTestId(id);
const none = (id: string) => expect(screen.queryByTestId(id)).toBeNull();
const said = () => screen.getByRole("status").lastElementChild?.textContent;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("signing in with the browser", () => {
  it("says where to go on and for how long, and ends in the session", async () => {
    const { user } = await openWindow({ sessions: [corp()], person: 20_000 });
    none("sign-in-password");
    await user.click(get("sign-in-browser"));
    await pass(0);
    expect(get("headline")).toHaveTextContent("Go on in your browser");
    expect(screen.getByText(/A page of login.example.com has opened/)).toBeInTheDocument();
    expect(get("sign-in-left")).toHaveTextContent("04:32");
    expect(get("session-item-work")).toHaveTextContent("go on in your browser");
    expect(said()).toBe("work: go on in your browser");
    expect(get("open-page")).toHaveFocus();
    await pass(1_000);
    expect(get("sign-in-left")).toHaveTextContent("04:31");
    await pass(19_000);
    expect(get("state-pill")).toHaveTextContent("Signed in");
    expect(document.activeElement).toBe(screen.getByRole("heading", { name: "work" }));
  });

  it("opens the page again, copies its address and says so", async () => {
    const { host, user } = await openWindow({ sessions: [corp()] });
    const [open, copy] = [vi.spyOn(host, "openSignInPage"), vi.spyOn(host, "copySignInAddress")];
    await user.click(get("sign-in-browser"));
    await user.click(get("open-page"));
    await user.click(get("copy-address"));
    expect(open).toHaveBeenCalledExactlyOnceWith("work");
    expect(copy).toHaveBeenCalledExactlyOnceWith("work");
    expect(said()).toBe("Address copied");
    host.failNext("openSignInPage", { code: "no_browser", message: "no browser could be opened", hint: null });
    await user.click(get("open-page"));
    expect(get("error-message")).toHaveTextContent("Copy the address and open it where you like");
  });

  it("shows the address where no browser could be opened", async () => {
    const { host } = await openWindow({ sessions: [corp()] });
    const url = "https://login.example.com/authorize?client_id=x";
    host.change("work", {
      state: "signing_in",
      headline: { kind: "signing_in", at: null },
      sign_in: { kind: "browser", url, opened: false, expires_at: iso(NOW + 60_000) },
    });
    await pass(0);
    expect(get("sign-in-address")).toHaveTextContent(url);
    expect(get("headline")).toHaveTextContent("Open the sign-in page");
    none("open-page");
  });

  it("is given up without a complaint, and can begin again", async () => {
    const { user } = await openWindow({ sessions: [corp()] });
    await user.click(get("sign-in-browser"));
    await user.click(get("cancel-sign-in"));
    await pass(0);
    expect(get("state-pill")).toHaveTextContent("Signed out");
    none("error-message");
    expect(get("sign-in-browser")).toHaveFocus();
    await user.click(get("sign-in-browser"));
    expect(get("headline")).toHaveTextContent("Go on in your browser");
  });

  it("goes over to a code, and what the first attempt still says does not matter", async () => {
    const { user } = await openWindow({ sessions: [corp()] });
    await user.click(get("sign-in-browser"));
    await user.click(get("use-code"));
    await pass(0);
    expect(get("user-code")).toHaveTextContent("WDJB-MJHT");
    none("error-message");
  });

  it("says in words why it failed", async () => {
    const { host, user } = await openWindow({ sessions: [corp()] });
    await user.click(get("sign-in-browser"));
    host.endSignIn("work", { code: "sign_in_denied", message: "The sign-in was declined (“no”). Sign in again", hint: null });
    await pass(0);
    expect(get("error-message")).toHaveTextContent("The sign-in was declined");
    expect(get("error-message")).toHaveTextContent("“no”");
    expect(get("sign-in-browser")).toBeInTheDocument();
  });
});

describe("signing in with a code", () => {
  it("shows it large and as a picture, and counts its time down", async () => {
    const { host, user } = await openWindow({ sessions: [corp()], picture });
    await user.click(get("sign-in-device"));
    await pass(0);
    expect(get("user-code")).toHaveTextContent("WDJB-MJHT");
    expect(screen.getByText("At login.example.com/device, on any device:")).toBeInTheDocument();
    expect(get("sign-in-picture").getAttribute("viewBox")).toBe("-4 -4 41 41");
    const drawn = vi.spyOn(host, "signInPicture");
    host.change("work", { identity: { name: "Ada" } });
    await pass(0);
    expect(drawn, "the code is the same").not.toHaveBeenCalled();
    expect(said()).toBe("work: enter the code WDJB-MJHT at login.example.com/device");
    expect(get("session-item-work")).toHaveTextContent("enter WDJB-MJHT");
    expect(get("sign-in-left")).toHaveTextContent("09:41");
    expect(get("copy-code")).toHaveFocus();
  });

  it("shows the code alone where there is no picture", async () => {
    const { user } = await openWindow({ sessions: [corp()] });
    await user.click(get("sign-in-device"));
    await pass(0);
    expect(get("user-code")).toBeInTheDocument();
    none("sign-in-picture");
  });

  it("says when it has expired, and gets another one", async () => {
    const { host, user } = await openWindow({ sessions: [corp()] });
    const begin = vi.spyOn(host, "signInWithDevice");
    await user.click(get("sign-in-device"));
    await pass(582_000);
    expect(get("headline")).toHaveTextContent("The code has expired");
    none("user-code");
    await user.click(get("new-code"));
    await pass(0);
    expect(begin).toHaveBeenCalledTimes(2);
    expect(get("sign-in-left")).toHaveTextContent("09:41");
  });

  it("names whatever a server calls its page as text", async () => {
    const evil = "javascript:alert(1)//<img src=x onerror=alert(1)>";
    const session = withCode(NOW);
    const { container } = await openWindow({
      sessions: [{ ...session, sign_in: { kind: "device", user_code: evil, verification_uri: evil, verification_uri_complete: evil, expires_at: iso(NOW + 1000) } }],
    });
    expect(container.querySelector("main img, main a")).toBeNull();
    expect(get("user-code")).toHaveTextContent(evil);
  });
});

describe("an account by its address", () => {
  const fill = async (user: Awaited<ReturnType<typeof openWindow>>["user"], fields: Record<string, string>) => {
    for (const [name, value] of Object.entries(fields)) {
      await user.clear(get(`field-${name}`));
      if (value !== "") await user.type(get(`field-${name}`), value);
    }
  };

  it("asks the server, shows what it can do, and signs in", async () => {
    const { host, user } = await openWindow();
    const add = vi.spyOn(host, "addAccount");
    await user.type(get("field-issuer"), "https://login.example.com{Enter}");
    await pass(0);
    expect(get("server-facts")).toHaveTextContent(/yes: sign you in with the browser.*no: bind tokens/);
    expect(get("field-client_id")).toHaveFocus();
    expect(get("field-client_id")).toHaveAccessibleDescription(/redirect URI http:\/\/127.0.0.1\/callback/);
    expect(get("field-name")).toHaveValue("work");
    await user.type(get("field-client_id"), "latchkey{Enter}");
    await pass(0);
    expect(add).toHaveBeenCalledExactlyOnceWith("work", {
      provider: "oauth",
      issuer: "https://login.example.com",
      client_id: "latchkey",
      scope: "openid profile email offline_access",
    });
    expect(get("headline")).toHaveTextContent("Go on in your browser");
  });

  it("asks for what is missing, and proposes a name that is free", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })] });
    const add = vi.spyOn(host, "addAccount");
    await user.click(get("nav-add"));
    expect(screen.getByRole("heading", { level: 1 })).toHaveFocus();
    await user.click(get("discover"));
    expect(get("error-message")).toHaveTextContent("Enter the address");
    await user.type(get("field-issuer"), "https://login.example.com{Enter}");
    await pass(0);
    expect(get("field-name")).toHaveValue("work-2");
    await user.click(get("add-account"));
    expect(get("error-message")).toHaveTextContent("Enter the client ID");
    expect(add).not.toHaveBeenCalled();
    await fill(user, { client_id: "latchkey", name: "" });
    await user.click(get("add-account"));
    expect(get("error-message")).toHaveTextContent("Give the account a name");
    await fill(user, { name: "work" });
    await user.click(get("add-account"));
    await pass(0);
    expect(get("error-message")).toHaveTextContent("There is an account of this name already");
  });

  it("says why a server is none, and another address begins anew", async () => {
    const { host, user } = await openWindow();
    host.failNext("discover", { code: "misfit", message: "it calls itself another issuer", hint: null });
    await user.type(get("field-issuer"), "https://login.example.com{Enter}");
    expect(get("error-message")).toHaveTextContent("The provider does not fit");
    await user.type(get("field-issuer"), "/realms/work");
    none("error-message");
    await user.click(get("discover"));
    await pass(0);
    await user.type(get("field-issuer"), "2");
    none("server-facts");
  });

  it("leaves the demo out where it is there", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW)] });
    await user.click(get("nav-add"));
    none("try-demo");
  });
});

it("calls a page by its host, and by a path that is short", () => {
  expect(site("https://login.example.com/device")).toBe("login.example.com/device");
  expect(site("https://login.example.com/realms/work/protocol/openid-connect/auth?x=1")).toBe("login.example.com");
  expect(site("not an address")).toBe("not an address");
  expect(site("javascript:alert(1)")).toBe("javascript:alert(1)");
  expect(host("https://login.example.com:8443/device")).toBe("login.example.com:8443");
});

it("shows the roles with who is signed in, a few by name", async () => {
  const { host } = await openWindow({ sessions: [{ ...signedIn(NOW), identity: { name: "Ada", roles: ["admin", "<b>billing</b>"] } }] });
  expect(get("roles")).toHaveTextContent("Roles: admin, <b>billing</b>");
  host.change("demo", { identity: { name: "Ada", roles: ["a", "b", "c", "d", "e", "f", "g", "h"] } });
  await pass(0);
  expect(get("roles")).toHaveTextContent("Roles: a, b, c, d, e, f and 2 more");
  host.change("demo", { identity: { name: "Ada" } });
  await pass(0);
  none("roles");
});
