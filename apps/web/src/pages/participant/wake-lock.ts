/** Keeps a phone's screen on while its page is in view: a phone that sleeps stops training. */
export function keepScreenOn(): void {
  if (!("wakeLock" in navigator)) return; // plain http, or an older browser
  const ask = (): void => {
    if (document.visibilityState === "visible") navigator.wakeLock.request("screen").catch(() => {}); // a low battery may say no, and that is the user's choice
  };
  // The browser lets go whenever the page is hidden.
  document.addEventListener("visibilitychange", ask);
  ask();
}

/** A phone whose screen this page cannot keep on. */
export const sleepWarning = (): boolean =>
  !("wakeLock" in navigator) && matchMedia("(pointer: coarse)").matches;
