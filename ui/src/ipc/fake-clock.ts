// `?now=1795185246000` stops the clock of the preview there, so that pictures of it can be compared.
const asked = new URLSearchParams(location.search).get("now");
if (asked !== null) {
  const now = Number(asked);
  globalThis.Date = class extends Date {
    constructor(at: number = now) {
      super(at);
    }
    static override now(): number {
      return now;
    }
  } as DateConstructor;
}
