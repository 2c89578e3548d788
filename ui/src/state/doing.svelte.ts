// One thing at a time that may fail: whether it is under way, and what kept it from being done.
import type { CommandError } from "../ipc/bindings";
import { toCommandError } from "../ipc/errors";

export class Doing {
  busy = $state(false);
  failure = $state.raw<CommandError | null>(null);

  /** Does it, unless something is under way. What was said of the time before is gone then. */
  async run(what: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = null;
    try {
      await what();
    } catch (thrown) {
      this.failed(thrown);
    }
    this.busy = false;
  }

  failed(thrown: unknown): void {
    this.failure = toCommandError(thrown);
  }
}
