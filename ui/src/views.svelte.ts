// The views that a window does not open with. They are fetched once it is painted, so that each is there before anybody
// goes to it.
import type { Component } from "svelte";

const fetched = {
  add: async () => (await import("./accounts/AddView.svelte")).default,
  inspect: async () => (await import("./inspector/InspectorView.svelte")).default,
  lab: async () => (await import("./lab/LabView.svelte")).default,
  log: async () => (await import("./log/LogView.svelte")).default,
  settings: async () => (await import("./settings/SettingsView.svelte")).default,
};

type Views = { [kind in keyof typeof fetched]?: Component };

let all = $state.raw<Views>({});

/** Those that are there. */
export const views = (): Views => all;

/** Fetches every one of them. */
export async function fetchViews(): Promise<void> {
  const [add, inspect, lab, log, settings] = await Promise.all([fetched.add(), fetched.inspect(), fetched.lab(), fetched.log(), fetched.settings()]);
  all = { add, inspect, lab, log, settings };
}
