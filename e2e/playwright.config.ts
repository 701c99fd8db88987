import { defineConfig } from "@playwright/test";

/** Journeys that keep every core busy, or look at what takes how long: never two of them at once. */
const BUSY = /(faults|learning|live-allocation|repeatable)\.spec\.ts/;

// No browser is configured here: the fixtures launch the one that the harness finds, as `fedlodrop federate` does.
export default defineConfig({
  testDir: ".",
  outputDir: "results",
  timeout: 240_000,
  // Most of a journey waits for one process to start or one tab to load; a second one fills the other core.
  workers: 2,
  fullyParallel: false,
  projects: [
    { name: "busy", testMatch: BUSY, workers: 1 },
    { name: "light", testIgnore: BUSY },
  ],
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"], ["json", { outputFile: "../node_modules/.cache/test-results/playwright.json" }]],
});
