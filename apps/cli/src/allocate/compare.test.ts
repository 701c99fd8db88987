import { instanceFamilies, methods, radioProblem, randomSystem } from "@fedlodrop/allocation";
import { expect, it } from "vitest";
import { compareMethods, comparisonTable } from "./compare.ts";

const small = ({ seed }: { readonly seed: number }) =>
  radioProblem(
    randomSystem({
      seed,
      devices: 3,
      channels: 5,
      family: instanceFamilies[seed % instanceFamilies.length]!,
    }),
  );

it("lists every method, with the certified optimum lowest", () => {
  const rows = compareMethods(small({ seed: 2 }), { relativeTolerance: 1e-7 });
  expect(rows.map((row) => row.method)).toEqual(methods);
  for (const row of rows) expect(row.objective).toBeGreaterThanOrEqual(rows[0]!.objective * (1 - 1e-9));
  const lines = comparisonTable(rows).split("\n");
  expect(lines).toHaveLength(methods.length + 1);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
});

it("means nothing over nobody: all excluded gives zeros, not NaN", () => {
  const rows = compareMethods({ ...small({ seed: 7 }), deadlineSeconds: 0.01 });
  for (const row of rows)
    expect(row).toMatchObject({ excludedDevices: 3, meanDropoutRate: 0, totalEnergyJoules: 0 });
});
