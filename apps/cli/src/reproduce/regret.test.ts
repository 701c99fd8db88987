import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { appendCell } from "./cells.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

const regret = (...flags: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    const args = ["--import", "tsx", "bench/regret.ts", ...flags];
    execFile(process.execPath, args, { cwd: ROOT }, (_error, stdout, stderr) => resolve({ stdout, stderr }));
  });

/** What it says when it fails, of no seeds, for which it has nothing to run. */
const complaintOf = async (...flags: string[]): Promise<string> =>
  /^Error: (.*)$/m.exec((await regret("--seeds", "0", ...flags)).stderr)?.[1] ?? "";

it("is small in the smallest cell of the language model, where a wrong rate's is not", {
  timeout: 300_000,
}, async () => {
  const cell = ["--tasks", "presidents", "--devices", "2", "--seeds", "1", "--rounds", "6", "--samples", "8"];
  const arms = ["--learning-rates", "0.002", "--arms", "fixed 0.5,fixed 0.9,branch-and-bound"];
  const csv = join(await mkdtemp(join(tmpdir(), "regret-")), "smallest.csv");
  const { stdout } = await regret(...cell, ...arms, "--csv", csv);
  const percentOf = (arm: string): number =>
    Number(new RegExp(`^${arm} .* regret (\\S+) %`, "m").exec(stdout)?.[1]);
  expect(percentOf("fixed 0.5"), stdout).toBe(0);
  expect(percentOf("fixed 0.9")).toBeGreaterThan(0.5);
  expect(percentOf("branch-and-bound")).toBeLessThan(0.3);
});

it("takes no cells for those of another number of rounds", async () => {
  expect(await complaintOf("--rounds", "6")).toBe(
    "--rounds 6: docs/results/cells.csv has cells of 12 rounds; others need a --csv of their own",
  );
  const csv = join(await mkdtemp(join(tmpdir(), "regret-")), "six.csv");
  const losses = { train: 3, choose: 3, report: 3, accuracy: null };
  const point = { round: 6, dropoutRate: 0, ...losses, bytes: 1, seconds: 1, joules: 1 };
  const key = { task: "presidents", devices: 4, arm: "fixed 0", learningRate: 0.002, seed: "1" } as const;
  await appendCell(csv, { ...key, points: [point] });
  expect(await complaintOf("--csv", csv)).toBe(
    `--rounds 12: ${csv} has cells of 6 rounds; others need a --csv of their own`,
  );
  expect(await complaintOf("--csv", csv, "--rounds", "6")).toBe("");
  expect(await complaintOf("--rounds", "0")).toBe("--rounds: expected a whole number above 0, got 0");
});
