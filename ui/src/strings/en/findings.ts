// What a profile says of a backend. The host says this in English sentences of its own; another language words them anew
// from their codes.
import type { Findings } from "../../lab/findings";

export const findings = { findings: null as Findings | null };
