// What is well on this machine and what is not, and what contradicts itself in a policy. The host says this in English sentences of its own; another language words
// them anew.
import type { AdviceCode, HealthWords } from "../../settings/findings";

export const health = { health: null as HealthWords | null, advice: null as Record<AdviceCode, string> | null };
