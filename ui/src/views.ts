// The views that a window does not open with, as one piece.
export { default as add } from "./accounts/AddView.svelte";
export { default as inspect } from "./inspector/InspectorView.svelte";
export { default as lab } from "./lab/LabView.svelte";
export { default as log } from "./log/LogView.svelte";
export { default as settings } from "./settings/SettingsView.svelte";
