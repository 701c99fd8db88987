import { defineConfig } from "vitest/config";

/** Arithmetic and state machines: nothing there outlives its test, so that files can share what is loaded. */
const PURE = ["run", "protocol", "federation", "allocation", "privacy", "tasks"].map(
  (name) => `packages/${name}/src/**/*.test.ts`,
);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    // A busy machine pauses for longer than a second.
    expect: { poll: { timeout: 15_000 } },
    // Two workers: the numerics tests are CPU-bound, and small machines have two cores.
    maxWorkers: 2,
    reporters: ["default", ["json", { outputFile: "node_modules/.cache/test-results/vitest.json" }]],
    projects: [
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: "live",
          include: ["packages/*/src/**/*.test.ts", "apps/*/src/**/*.test.ts", "tools/*/*.test.ts"],
          exclude: PURE,
        },
      },
    ],
  },
});
