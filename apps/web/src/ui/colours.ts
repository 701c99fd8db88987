/** Colours of the style sheet, for what is painted on a canvas, which CSS does not reach. */

/** @param name of a custom property of the page, e.g. "--series-1" */
export const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Has it painted now and whenever the colours are others. @returns what ends that */
export function paintInColours(paint: () => void): () => void {
  paint();
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", paint);
  return () => scheme.removeEventListener("change", paint);
}
