import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "apps/*/src/**/*.test.ts", "tools/*/*.test.ts"],
    testTimeout: 30_000,
    // Two workers: the numerics tests are CPU-bound, and small machines have two cores.
    maxWorkers: 2,
    reporters: ["default", ["json", { outputFile: "node_modules/.cache/test-results/vitest.json" }]],
  },
});
