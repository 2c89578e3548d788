// The lifeline under a hand and a keyboard.
import { fireEvent, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { signedIn } from "../src/ipc/fake-sessions";
import { NOW, openWindow, pass } from "./helpers";

const get = (id: string) => screen.getByTestId(id);
const length = () => get("lifeline-length").textContent;
const open = () => openWindow({ sessions: [signedIn(NOW, { lifetime: 3600_000, refreshLifetime: 30 * 24 * 3600_000, failures: 2 })] });
/** The change of what is shown takes a moment. */
const settled = () => pass(500);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("by buttons and keys", () => {
  it("it shows from ten minutes to thirty days, and all that matters again", async () => {
    const { user } = await open();
    expect(length()).toBe("7 h in sight");
    expect(get("lifeline-fit")).toHaveAttribute("aria-pressed", "true");
    for (let press = 0; press < 8; press += 1) await user.click(get("lifeline-zoom-out"));
    await settled();
    expect(length()).toBe("30 d in sight");
    expect(get("lifeline-zoom-out")).toHaveAttribute("aria-disabled", "true");
    for (let press = 0; press < 14; press += 1) await user.click(get("lifeline-zoom-in"));
    await settled();
    expect(length()).toBe("10 min in sight");
    screen.getByRole("img", { name: /^Now, / }).focus();
    await user.keyboard("-");
    expect(length()).toBe("20 min in sight");
    await user.keyboard("0");
    await settled();
    expect(length()).toBe("7 h in sight");
  });

  it("one stop on the way of the Tab key, from which arrows go from mark to mark, each explained", async () => {
    const { user } = await open();
    const stops = get("lifeline").querySelectorAll('[tabindex="0"]');
    expect(stops).toHaveLength(1);
    (stops[0] as SVGElement).focus();
    await pass(0);
    expect(get("lifeline-tip")).toHaveTextContent((stops[0] as SVGElement).getAttribute("aria-label") ?? "?");
    await user.keyboard("{Home}");
    await pass(0);
    const first = document.activeElement;
    await user.keyboard("{ArrowRight}");
    await pass(0);
    expect(document.activeElement).not.toBe(first);
    expect(get("lifeline-tip")).toHaveTextContent(document.activeElement?.getAttribute("aria-label") ?? "?");
    expect(get("lifeline").querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    await user.keyboard("{Escape}");
    expect(screen.queryByTestId("lifeline-tip")).toBeNull();
  });

  it("who stands on a mark that leaves the drawing stands on the next one", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW, { lifetime: 60_000 })] });
    screen.getByRole("img", { name: /^Now, / }).focus();
    await user.keyboard("{Home}");
    const first = document.activeElement?.getAttribute("data-key");
    await pass(40_000);
    expect(get("lifeline").contains(document.activeElement)).toBe(true);
    expect(document.activeElement?.getAttribute("data-key")).not.toBe(first);
  });

  it("the present leaves the sight and comes back, and nothing counts where nothing moves", async () => {
    const { user } = await open();
    screen.getByRole("img", { name: /^Now, / }).focus();
    await user.keyboard("{PageUp}{PageUp}{PageUp}");
    await settled();
    expect(screen.queryByTestId("lifeline-now")).toBeNull();
    await user.click(get("lifeline-to-now"));
    await settled();
    expect(get("lifeline-now")).toBeInTheDocument();
  });
});

describe("by hand", () => {
  it("a mark is explained while it is pointed at", async () => {
    const { user } = await open();
    const failed = screen.getAllByTestId("lifeline-mark-failed")[0] as unknown as Element;
    await user.hover(failed);
    expect(get("lifeline-tip")).toHaveTextContent(/Failed at .*503/);
    await fireEvent.pointerLeave(get("lifeline"));
    expect(screen.queryByTestId("lifeline-tip")).toBeNull();
  });

  it("the wheel zooms with the control key, and scrolls the page without", async () => {
    await open();
    const scrolls = await fireEvent.wheel(get("lifeline"), { deltaY: 100 });
    expect(scrolls).toBe(true);
    expect(length()).toBe("7 h in sight");
    const zooms = await fireEvent.wheel(get("lifeline"), { deltaY: -200, ctrlKey: true, clientX: 300 });
    expect(zooms).toBe(false);
    expect(length()).toBe("3 h in sight");
  });
});
