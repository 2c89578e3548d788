// What is not in a window's first frame, as one piece: what is beside the session on screen and below its headline, the
// other views, and what is shown where there is no session.
import AddView from "./accounts/AddView.svelte";
import InspectorView from "./inspector/InspectorView.svelte";
import LabView from "./lab/LabView.svelte";
import LogView from "./log/LogView.svelte";
import SettingsView from "./settings/SettingsView.svelte";

export { default as StatePill } from "./components/StatePill.svelte";
export { default as Lifeline } from "./lifeline/Lifeline.svelte";
export { default as AccessCard } from "./sessions/AccessCard.svelte";
export { default as EmptyState } from "./sessions/EmptyState.svelte";
export { default as ProgramAsks } from "./sessions/ProgramAsks.svelte";
export { default as Programs } from "./sessions/Programs.svelte";
export { default as Recent } from "./sessions/Recent.svelte";
export { default as Sidebar } from "./sessions/Sidebar.svelte";
export { default as SignOut } from "./sessions/SignOut.svelte";
export { default as SignIn } from "./sign-in/SignIn.svelte";
export { default as TroubleView } from "./trouble/TroubleView.svelte";

export const views = { add: AddView, inspect: InspectorView, lab: LabView, log: LogView, settings: SettingsView };
