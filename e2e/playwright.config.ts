import { defineConfig } from "@playwright/test";

// No browser is configured here: the fixtures launch the one that the harness finds, as `fedlodrop federate` does.
export default defineConfig({
  testDir: ".",
  outputDir: "results",
  timeout: 240_000,
  // Tabs compete for the processor; two federations at once only wait for each other (tried: half as long again).
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"], ["json", { outputFile: "../node_modules/.cache/test-results/playwright.json" }]],
});
