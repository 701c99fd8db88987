import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { reproduce } from "../reproduce.ts";
import { faultOf } from "./own-run.ts";
import { QUICK_ATTACKS, readAttacks } from "./privacy/attack-study.ts";

const RECORDED = new URL("../../../../docs/results/own-run/report.json", import.meta.url);
interface Report {
  readonly rounds: readonly { readonly participants: readonly object[] }[];
}
const recorded = JSON.parse(await readFile(RECORDED, "utf8")) as Report;
const { length } = recorded.rounds;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "own-run-"));
});
afterEach(() => rm(folder, { recursive: true }));
const keep = (report: object | string): Promise<void> =>
  writeFile(
    join(folder, "report.json"),
    typeof report === "string" ? report : JSON.stringify({ ...recorded, ...report }),
  );

it("counts a run whose every round came to something", async () => {
  await keep({});
  expect(await faultOf(folder, length)).toBeNull();
  expect(await faultOf(folder, length + 1)).toBe(`it has ${length}`);
});

it("does not count one that was cut off, failed, or is half written", async () => {
  expect(await faultOf(folder, length)).toMatch(/report\.json: there is no such file/);
  const failed = recorded.rounds.map((round, k) => ({
    ...round,
    participants: round.participants.map((one) => (k === 1 ? { ...one, outcome: "left" } : one)),
  }));
  for (const [report, fault] of [
    [{ rounds: recorded.rounds.slice(1) }, /^it has \d+$/],
    [{ rounds: failed }, /^round 2 came to nothing$/],
    ['{"config":', /report\.json: not JSON$/],
  ] as const) {
    await keep(report);
    expect(await faultOf(folder, length)).toMatch(fault);
  }
});

it("draws nothing of what was not made", async () => {
  await expect(reproduce(["5", "--draw", "--out", folder])).rejects.toThrow(
    /^figure 5: expected a finished run of 12 rounds in \S+, got none \(\S+ there is no such file/,
  );
  await keep({ format: 2 });
  const study = await mkdtemp(join(tmpdir(), "study-"));
  await cp(folder, join(study, "own-run"), { recursive: true });
  await expect(reproduce(["5", "--draw", "--out", study])).rejects.toThrow(
    /got none \(\S+: stored by another version of the program \(format 2; this one reads 1\)\); leave out/,
  );
  await expect(reproduce(["privacy", "--draw", "--out", folder])).rejects.toThrow(
    /^figure 8: expected results of attacks/,
  );
});

it("reads attacks up to a line that was cut short", async () => {
  const setting = { attack: "inversion", dropoutRate: 0, localSteps: 1, noise: 0, trial: 0 };
  const trial = { ...setting, texts: QUICK_ATTACKS.texts, found: 1, rank: 1 };
  const path = join(folder, "attacks.jsonl");
  await writeFile(path, `${JSON.stringify(trial)}\n{"attack":"inver`);
  expect(await readAttacks(path, QUICK_ATTACKS)).toEqual([trial]);
});
