// Why a session is as it is, and why something comes next. The host says this in English sentences of its own; another
// language words them anew from their codes.
import type { Told } from "../told";

export const told = { told: null as Told | null };
