/**
 * A browser's language need not be a language tag (`C`, `en-US@posix` where the system's locale is odd), and a number
 * format made from such a one throws. uPlot makes one while it loads: import this first.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
