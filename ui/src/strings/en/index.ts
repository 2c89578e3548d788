// Every sentence the window can say, in English: the language that the others are checked against. Slots in
// braces are filled by `fill`; word order is free to change because no sentence is glued together from parts.
import { accounts } from "./accounts";
import { errors } from "./errors";
import { findings } from "./findings";
import { health } from "./health";
import { inspector } from "./inspector";
import { lab } from "./lab";
import { lifeline } from "./lifeline";
import { log } from "./log";
import { reasons } from "./reasons";
import { sessions } from "./sessions";
import { settings } from "./settings";
import { signIn } from "./sign-in";
import { time } from "./time";
import { token } from "./token";
import { told } from "./told";
import { window } from "./window";

export const en = {
  ...window,
  ...sessions,
  ...reasons,
  ...token,
  ...told,
  ...findings,
  ...health,
  ...inspector,
  ...lab,
  ...lifeline,
  ...signIn,
  ...accounts,
  ...log,
  ...settings,
  ...errors,
  ...time,
};
