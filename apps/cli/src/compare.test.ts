import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RoundRecord, resolveRunConfig } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { compare } from "./compare.ts";
import { csvText } from "./reproduce/figure.ts";
import { foreseen } from "./reproduce/figures/foreseen.ts";
import { readRecordedRun, readRecordedRuns, recordedArms } from "./reproduce/recorded-run.ts";
import type { StudiedArm } from "./reproduce/studied.ts";

const constants = {
  lossRange: 1,
  gradientNorm: 1,
  form: "calibrated",
  ridge: 0.5,
  minCurvature: 10,
  exampleCount: 80,
  confidence: 0.1,
  gapScale: 1,
  gapScaleError: 0.1,
  gapOffset: 0.1,
  gapDeviation: 0.05,
  varianceCoefficient: 0.02,
  varianceError: 0.01,
  rateCap: null,
  source: "estimated",
} as const;

/** Every device takes `actual` of the 2 s that were foreseen for it, in round t times 1 + t/100. */
const record = (round: number, actual: number): RoundRecord => ({
  round,
  basedOnRound: round - 1,
  method: "fixed",
  deadlineSeconds: 60,
  trainLoss: 3,
  testLoss: 4 - round / 10,
  evaluation: {
    testLoss: 4 - round / 10,
    trainLoss: 3.8 - round / 5,
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
  },
  seconds: 3,
  participants: ["p1", "p2"].map((id) => ({
    id,
    nickname: id,
    backend: "wasm",
    dropoutRate: 0.5,
    keptValues: 10,
    fullValues: 20,
    bytesDown: 100,
    bytesUp: 50,
    secondsDownload: 0,
    secondsCompute: 1,
    steps: 4,
    secondsUpload: 1,
    uploadBytesPerSecond: null,
    downlinkBytesPerSecond: null,
    uplinkBytesPerSecond: null,
    uploadLimitedBy: null,
    rateSource: "measured",
    sampleCount: 40,
    trainLoss: 3,
    energyJoules: 5,
    energySource: "modelled",
    tokens: 10,
    roundTripSeconds: 0.01,
    gradientNorm95: 2,
    lossSpread: 1,
    outcome: "aggregated",
    update: null,
  })),
  allocation: {
    method: "fixed",
    objective: 1,
    lowerBound: null,
    gap: null,
    certified: false,
    milliseconds: null,
    fallback: false,
    empiricalTerm: 0.1,
    generalisationTerm: 0.2,
    measuredGap: 0.2 + round / 10,
    links: "measured",
    constants,
    devices: ["p1", "p2"].map((id) => ({
      id,
      dropoutRate: 0.5,
      dither: 0,
      share: null,
      predictedSeconds: 2,
      actualSeconds: 2 * actual * (1 + round / 100),
      predictedJoules: 5,
      excludedBecause: null,
    })),
  },
});

async function runFolder(name: string, report: object): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "compare-")), name);
  await mkdir(folder);
  await writeFile(join(folder, "report.json"), JSON.stringify(report));
  return folder;
}

const report = (seed: string, actual: number, method: "fixed" | "fedlora" = "fixed") => ({
  runId: "r",
  config: resolveRunConfig({ seed, method }),
  baseTestLoss: 4.1,
  rounds: [1, 2, 3, 4, 5, 6, 7, 8].map((round) => record(round, actual)),
});

it("puts runs beside each other, those that differ in the seed alone as one", async () => {
  const folders = [
    await runFolder("plain", report("1", 1, "fedlora")),
    await runFolder("a", report("1", 1)),
    await runFolder("b", report("2", 1)),
  ];
  const arms = recordedArms(await Promise.all(folders.map(readRecordedRun)));
  expect(arms.map(({ arm, cells }) => [arm, cells.length])).toEqual([
    ["plain", 1],
    ["a", 2],
  ]);
  expect(arms[0]!.cells[0]!.points[1]).toMatchObject({
    round: 2,
    bytes: 600,
    joules: 20,
    seconds: 6,
    report: 3.8,
  });
  const out = join(await mkdtemp(join(tmpdir(), "compared-")), "out");
  await compare([...folders, "--out", out]);
  expect(await readFile(join(out, "report.html"), "utf8")).toContain("least loss of plain");
  expect(await readFile(join(out, "figure-2.csv"), "utf8")).toContain(
    "presidents,8,a,0.002,2,2,0.5,3.4,3.8,",
  );
});

it("tells runs whose folders are called alike by more of their paths, and takes none twice", async () => {
  const root = await mkdtemp(join(tmpdir(), "compare-"));
  const folders = ["x/a/run", "y/a/run", "b/run", "other"].map((path) => join(root, path));
  for (const [k, folder] of folders.entries()) {
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, "report.json"),
      JSON.stringify(report("1", 1, k === 2 ? "fedlora" : "fixed")),
    );
  }
  const runs = await readRecordedRuns(folders);
  expect(runs.map(({ name }) => name)).toEqual(["x/a/run", "y/a/run", "b/run", "other"]);
  const rows = foreseen(runs).table.rows.map(([run, round, device]) => [run, round, device].join());
  expect(new Set(rows).size).toBe(rows.length);
  expect(recordedArms(runs.slice(1, 3)).map(({ arm }) => arm)).toEqual(["y/a/run", "b/run"]);
  const again = `${root}/x/../b/run/`;
  await expect(compare([...folders, again])).rejects.toThrow(
    `${again}: expected each run once, got it twice`,
  );
});

it("has a rate for a round in which nobody took part", async () => {
  const [first, ...others] = report("1", 1).rounds;
  const empty = others.map((own) => (own.round === 5 ? { ...own, participants: [] } : own));
  const run = await readRecordedRun(await runFolder("gap", { ...report("1", 1), rounds: [first, ...empty] }));
  const [{ cells }] = recordedArms([run]) as [StudiedArm];
  expect(cells[0]!.points[4]).toMatchObject({ round: 5, dropoutRate: 0.5, seconds: 15, bytes: 4 * 300 });
});

it("says how far plans were off, with intervals of the errors before", async () => {
  const run = await readRecordedRun(await runFolder("slow", report("1", 1.2)));
  const { text, table } = foreseen([run]);
  // After round 3: |1.2·(1 + t/100) − 1| over the actual, of t = 4 … 8.
  const errors = [4, 5, 6, 7, 8].map((t) => 1 - 1 / (1.2 * (1 + t / 100)));
  expect(text[1]).toContain(`the median error is ${(100 * errors[2]!).toFixed(1)} % (10 rounds of devices)`);
  const rows = csvText(table).split("\n");
  const last = rows.find((line) => line.startsWith("slow,8,p1"))!.split(",");
  const [foreseenSeconds, low, high, actual] = last.slice(-4).map(Number);
  expect(foreseenSeconds).toBe(2);
  expect(actual).toBeCloseTo(2.592, 6);
  // As far to either side, by a factor, as errors of a fifth to a quarter make it.
  expect((low as number) * (high as number)).toBeCloseTo(2 * 2, 2);
  expect((high as number) / 2).toBeGreaterThan(1.2);
  expect((high as number) / 2).toBeLessThan(1.5);
  expect(rows.find((line) => line.startsWith("slow,8,,"))).toMatch(/^slow,8,,0.2,0.05,1,1,\d/);
});

it("refuses in one line what it cannot draw", async () => {
  await expect(compare([])).rejects.toThrow("compare: expected a run folder or more, got none");
  await expect(compare(["/nowhere"])).rejects.toThrow(
    "/nowhere/report.json: there is no such file; a run has it when it is over",
  );
  const old = await runFolder("old", { ...report("1", 1), rounds: [{ round: 1, testLoss: 3 }] });
  await expect(compare([old])).rejects.toThrow(
    /report\.json: rounds\.0\.\w+: expected [^\n]*; stored by an earlier version of the program, or by none \(no format; this one reads 1\)$/,
  );
  const { training: _, ...config } = report("1", 1).config;
  await expect(compare([await runFolder("bare", { ...report("1", 1), config })])).rejects.toThrow(
    /report\.json: config\.training: expected an object; stored by an earlier/,
  );
  const newer = await runFolder("newer", { ...report("1", 1), format: 2 });
  await expect(compare([newer])).rejects.toThrow(
    /report\.json: stored by another version of the program \(format 2; this one reads 1\)$/,
  );
});
