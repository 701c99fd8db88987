/** `npm test` runs this first, so that the end-to-end tests find a browser. */
import { ensureChromium } from "./chromium.ts";

try {
  console.error(`Chromium: ${ensureChromium((line) => console.error(line))}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
