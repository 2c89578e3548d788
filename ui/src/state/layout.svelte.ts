// Wide or narrow: the one fact about the window's size that more than CSS must know (row heights).
import { MediaQuery } from "svelte/reactivity";

const query = () => new MediaQuery("(max-width: 640px)", false);
let shared: MediaQuery | undefined;

export const narrow = (): boolean => (shared ??= query()).current;
