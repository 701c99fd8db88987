/**
 * Playwright, loaded by `require`: `import` reads its 7 MB of CommonJS a second time to find their export names, and once
 * more where a loader of TypeScript looks at them, which doubles the time that the browser's start waits for.
 */
import { createRequire } from "node:module";

export const { chromium } = createRequire(import.meta.url)(
  "playwright-core",
) as typeof import("playwright-core");
