// Every sentence the window can say, in German.
import type { Strings } from "..";
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

export const de: Strings = {
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
