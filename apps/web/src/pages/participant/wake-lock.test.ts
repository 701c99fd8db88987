import { afterEach, expect, it, vi } from "vitest";
import { keepScreenOn, sleepWarning } from "./wake-lock.ts";

afterEach(() => vi.unstubAllGlobals());

/** A page in view whose browser answers `request`; `seen` brings it into view again. */
function page(request: () => Promise<unknown>) {
  const asked = vi.fn((_what: string) => request());
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("navigator", { wakeLock: { request: asked } });
  vi.stubGlobal("document", document);
  const becomes = (visibilityState: string): void => {
    document.visibilityState = visibilityState;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  return { asked, becomes };
}

it("keeps the screen on, again whenever the page comes back into view", () => {
  const { asked, becomes } = page(async () => ({}));
  keepScreenOn();
  expect(asked.mock.calls).toEqual([["screen"]]);
  becomes("hidden");
  expect(asked).toHaveBeenCalledTimes(1);
  becomes("visible");
  expect(asked).toHaveBeenCalledTimes(2);
});

it("takes a no, as of a low battery", async () => {
  const { asked } = page(() => Promise.reject(new Error("battery")));
  keepScreenOn();
  await expect(asked.mock.results[0]?.value).rejects.toThrow("battery");
});

it.each([
  ["a phone on plain http", {}, true, true],
  ["a phone that can be kept awake", { wakeLock: {} }, true, false],
  ["a laptop on plain http", {}, false, false],
])("warns %s or not", (_what, navigator, isCoarse, warns) => {
  vi.stubGlobal("navigator", navigator);
  vi.stubGlobal("matchMedia", () => ({ matches: isCoarse }));
  expect(sleepWarning()).toBe(warns);
});
