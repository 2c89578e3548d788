// An account while it is being filled in. The host looks at it a moment after each change, and what it finds wrong is
// told where it is: only in fields that somebody has touched, until they want to save.
import { toCommandError } from "../ipc/errors";
import type { AccountCheck, CommandError, KeyProblem } from "../ipc/bindings";
import type { Changes, Keys } from "../ipc/host";
import type { Host } from "../ipc/host";
import { changesOf, shown, type FieldSpec } from "./fields";
import { language } from "../strings";

/** How long nobody types before the host looks. */
const PAUSE = 250;

const CLEAN: AccountCheck = { problems: [], advice: [], ends_session: false };

export class AccountDraft {
  values = $state<Record<string, string>>({});
  /** What kept the last thing that was asked for from being done, and what keeps the host from looking at it. */
  #failure = $state.raw<CommandError | null>(null);
  #unseen = $state.raw<CommandError | null>(null);
  busy = $state(false);
  readonly host: Host;
  /** Nothing for an account that is not there yet. */
  readonly account: string | null;
  readonly before: Keys;
  readonly specs: () => readonly FieldSpec[];
  /** What stands there besides what can be filled in. */
  readonly fixed: Changes;
  #check = $state.raw<AccountCheck>(CLEAN);
  /** Whether everything is to be complained about, not only what was touched. */
  #all = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  changes = $derived.by<Changes>(() => ({ ...this.fixed, ...changesOf(this.specs(), this.before, this.values) }));
  changed = $derived.by(() => Object.keys(this.changes).length > Object.keys(this.fixed).length);
  endsSession = $derived(this.#check.ends_session);
  advice = $derived(this.#check.advice);

  constructor(host: Host, account: string | null, before: Keys, specs: () => readonly FieldSpec[], fixed: Changes = {}) {
    [this.host, this.account, this.before, this.specs, this.fixed] = [host, account, before, specs, fixed];
    for (const spec of specs()) this.values[spec.key] = shown(spec, before[spec.key]);
  }

  get failure(): CommandError | null {
    return this.#failure ?? this.#unseen;
  }

  set failure(failure: CommandError | null) {
    this.#failure = failure;
  }

  problem(key: string): KeyProblem | undefined {
    const touched = this.#all || key in this.changes;
    return touched ? this.#check.problems.find((problem) => problem.key === key) : undefined;
  }

  /** What is wrong with no field that is in sight. */
  get rest(): readonly KeyProblem[] {
    const fields = this.specs().map(({ key }) => key);
    return this.#all ? this.#check.problems.filter(({ key }) => !fields.includes(key)) : [];
  }

  /** Call when a value has changed; for use in `$effect`. */
  soon(): () => void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), PAUSE);
    return () => clearTimeout(this.#timer);
  }

  /** Asks the host at once. Says whether all is well. */
  async look(all = false): Promise<boolean> {
    if (all) this.#all = true;
    const asked = ++this.#asked;
    try {
      const check = await this.host.checkAccount(this.account, $state.snapshot(this.changes), language());
      if (asked === this.#asked) [this.#check, this.#unseen] = [check, null];
      return check.problems.length === 0;
    } catch (thrown) {
      if (asked === this.#asked) this.#unseen = toCommandError(thrown);
      return false;
    }
  }

  /** Does it, unless something is wrong: then the first wrong field gets the focus. */
  async submit(form: HTMLElement, save: (changes: Changes) => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = null;
    try {
      if (await this.look(true)) await save($state.snapshot(this.changes));
      else this.#focusWrong(form);
    } catch (thrown) {
      this.failure = toCommandError(thrown);
    }
    this.busy = false;
  }

  #focusWrong(form: HTMLElement): void {
    const wrong = this.#check.problems.map(({ key }) => key);
    const field = [...form.querySelectorAll<HTMLElement>("[name]")].find((one) => wrong.includes(one.getAttribute("name") ?? ""));
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  }
}
