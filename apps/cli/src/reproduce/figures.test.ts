import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { reproduce } from "../reproduce.ts";
import { ARMS, type ArmName, ablatedBy } from "./arms.ts";
import type { Point, Trajectory } from "./cell.ts";
import { appendCell, type Cell, readCells } from "./cells.ts";
import { csvText } from "./figure.ts";
import { ablations } from "./figures/ablations.ts";
import { costToTarget } from "./figures/cost-to-target.ts";
import { foreseen } from "./figures/foreseen.ts";
import { lossOverRates } from "./figures/loss-over-rates.ts";
import { lossOverRounds } from "./figures/loss-over-rounds.ts";
import { privacy } from "./figures/privacy.ts";
import { verdicts } from "./figures/verdicts.ts";
import { expectInTable } from "./in-table.fixture.ts";
import { tunedRuns } from "./limited.ts";
import { armsFor } from "./needed-arms.ts";
import type { AttackResult } from "./privacy/attack-study.ts";
import { readRecordedRun } from "./recorded-run.ts";
import { reportHtml } from "./report.ts";
import { type StudiedArm, studiedArms, TO_STOP, tunedToStop } from "./studied.ts";
import { FULL_STUDY } from "./study.ts";
import { type Chart, chartSvg } from "./svg-chart.ts";
import { lastOf, rateBeyond, ratesBeyond, reportedRates, tunedRate } from "./tuning.ts";

const point = (round: number, losses: Partial<Point>): Point => ({
  round,
  dropoutRate: 0,
  train: 3,
  choose: 4,
  report: 4,
  accuracy: null,
  bytes: 1e6 * round,
  seconds: round,
  joules: 10 * round,
  ...losses,
});
const cell = (
  arm: ArmName,
  learningRate: number,
  seed: string,
  last: number,
  more: Partial<Point> = {},
): Cell => ({
  task: "presidents",
  devices: 4,
  arm,
  learningRate,
  seed,
  points: [
    point(0, {}),
    point(3, { choose: 3.5, report: 3.5 }),
    point(6, { choose: last, report: last, train: Number((last - 1).toFixed(5)), ...more }),
  ],
});
const CELLS = [
  cell("fixed 0", 0.002, "0", 3.8),
  cell("fixed 0", 0.008, "0", 4.2),
  cell("fixed 0", 0.002, "1", 3.9, { train: 2.8 }),
  cell("fixed 0", 0.002, "2", 4.1, { train: 3.2 }),
  cell("fixed 0.5", 0.002, "0", 3.4, { bytes: 3e6 }),
  cell("fixed 0.5", 0.008, "0", 3.3, { bytes: 3e6 }),
  cell("fixed 0.5", 0.008, "2", 3.3, { bytes: 3e6, dropoutRate: 0.5 }),
  cell("fixed 0.5", 0.008, "1", 3.1, { bytes: 3e6, dropoutRate: 0.5 }),
];
const STUDIED = studiedArms(CELLS);
const results = fileURLToPath(new URL("../../../../docs/results", import.meta.url));
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), "reproduce-"));

describe("cells", () => {
  it("come back as they were kept", async () => {
    const csv = join(await folder(), "cells.csv");
    for (const own of CELLS) await appendCell(csv, own);
    expect(await readCells(csv)).toEqual(CELLS);
  });

  it("that something stopped in the middle are played again, and are then whole", async () => {
    const csv = join(await folder(), "cells.csv");
    const [first, cut] = CELLS as [Cell, Cell];
    await appendCell(csv, first);
    await appendCell(csv, cut);
    const text = await readFile(csv, "utf8");
    const lastLine = text.trimEnd().split("\n").at(-1) as string;
    for (const left of [text.length - 8, text.length - 1 - lastLine.length, 3]) {
      await writeFile(csv, text.slice(0, left));
      expect(await readCells(csv)).toEqual(left === 3 ? [] : [first]);
      if (left === 3) await appendCell(csv, first);
      await appendCell(csv, cut);
      expect(await readCells(csv)).toEqual([first, cut]);
    }
  });

  it("are refused in one line where the file is another one", async () => {
    const csv = join(await folder(), "cells.csv");
    await writeFile(csv, "a,b\n1,2\n");
    await expect(readCells(csv)).rejects.toThrow(/cells.csv: expected the columns task,.*, got a,b$/);
  });

  it("are refused with the line that cannot be read", async () => {
    const csv = join(await folder(), "cells.csv");
    await appendCell(csv, CELLS[0] as Cell);
    const [header = "", line = ""] = (await readFile(csv, "utf8")).split("\n");
    const fields = line.split(",");
    const told = async (at: number, field: string): Promise<string> => {
      await writeFile(csv, `${header}\n${fields.with(at, field).join()}\n`);
      return readCells(csv).then(String, (error: Error) => error.message);
    };
    expect(await told(7, "")).toBe(`${csv}, line 2: expected a number in train, got nothing`);
    expect(await told(3, "fast")).toBe(`${csv}, line 2: expected a number in learning_rate, got fast`);
    expect(await told(2, "fixed 2")).toMatch(/line 2: expected an arm of fixed 0, .*, got fixed 2$/);
    expect(await told(2, "a,b")).toMatch(/line 2: expected the columns task,.*, got presidents,4,a,b,/);
  });
});

it("figures need the arms that they compare, all together all of a study's, in its order", () => {
  const all = FULL_STUDY.arms;
  const without = (...unneeded: readonly string[]) => all.filter((arm) => !unneeded.includes(arm));
  const methods = all.filter((arm) => ablatedBy(arm) === null);
  const variants = ["FFA-LoRA", "FedEx-LoRA", "input dropout 0.1", "local only", "centralised"];
  expect(armsFor(["1", "2", "3", "4", "5", "6", "7"], all)).toEqual(all);
  expect(armsFor(["1"], all)).toEqual(methods.filter((arm) => !variants.includes(arm)));
  expect(armsFor(["2", "1"], all)).toEqual(methods);
  for (const figure of ["3", "7"])
    expect(armsFor([figure], methods)).toEqual(
      methods.filter((arm) => arm !== "local only" && arm !== "centralised"),
    );
  expect(armsFor(["6"], all)).toEqual(without(...methods.filter((arm) => arm !== "fixed 0.5")));
  expect(armsFor(["4", "5", "privacy"], all)).toEqual([]);
});

it("compares fairly with plain LoRA at the learning rate that is best for stopping it", () => {
  const early = (rate: number, seed: string, stopped: number, last: number): Cell => {
    const own = cell("fixed 0", rate, seed, last);
    return { ...own, points: own.points.with(1, point(3, { choose: stopped, report: stopped })) };
  };
  const cells = [
    ...CELLS.filter(({ arm }) => arm !== "fixed 0"),
    ...["0", "1", "2"].flatMap((seed) => [early(0.002, seed, 3.9, 3.8), early(0.008, seed, 3.4, 4.2)]),
  ];
  const studied = studiedArms(cells);
  const stopped = tunedToStop(cells, studied);
  expect(stopped).toMatchObject([{ arm: TO_STOP, learningRate: 0.008, seeds: ["1", "2"] }]);
  const { columns, rows } = verdicts([...studied, ...stopped]).table;
  const own = rows.find(([, , arm]) => arm === "fixed 0.5")!;
  // 3.2 against 3.8 after the last round, and against 3.4 where the other is stopped.
  expect(own[columns.indexOf("flattering_percent")]).toBeCloseTo(100 * (1 - 3.2 / 3.8), 9);
  expect(own[columns.indexOf("fair_percent")]).toBeCloseTo(100 * (1 - 3.2 / 3.4), 9);
  expect(reportedRates(cells, { task: "presidents", devices: 4, arm: "fixed 0" })).toEqual([0.002, 0.008]);
  // Where a seed that reports lacks that rate, there is nothing fairer than the arm's own.
  expect(
    tunedToStop(
      cells.filter(({ learningRate, seed }) => learningRate !== 0.008 || seed !== "2"),
      studied,
    ),
  ).toEqual([]);
});

it("while an arm's best learning rate is the first or the last that was tried, the next one out is to be tried", () => {
  const key = { task: "presidents", devices: 4, arm: "fixed 0" } as const;
  const tried = (...losses: readonly (readonly [rate: number, loss: number])[]): Cell[] =>
    losses.map(([rate, loss]) => cell("fixed 0", rate, "0", loss));
  expect(rateBeyond([], key)).toBeNull();
  expect(rateBeyond(tried([0.002, 3.8]), key)).toBeNull();
  expect(rateBeyond(tried([0.002, 3.8], [0.0005, 3.7], [0.008, 3.9]), key)).toBe(0.000125);
  expect(rateBeyond(tried([0.002, 3.8], [0.0005, 3.9], [0.008, 3.7]), key)).toBe(0.032);
  expect(rateBeyond(tried([0.002, 3.7], [0.0005, 3.8], [0.008, 3.9]), key)).toBeNull();
  expect(rateBeyond(tried([0.002, 3.8], [0.0005, 3.7], [0.000125, 3.71]), key)).toBeNull();
  expect(rateBeyond(tried([0.002, 3.8], [0.0005, 3.7998]), key)).toBeNull();
  // Stopped in time it is best at the highest, after its last round inside.
  const stopped = [0.0005, 0.002, 0.008].map((rate, i): Cell => {
    const [last, best] = [[3.9, 3.7, 3.8][i] as number, [3.8, 3.7, 3.6][i] as number];
    const { points, ...rest } = cell("fixed 0", rate, "0", last);
    return { ...rest, points: [{ ...(points.at(-1) as Point), choose: best }, ...points.slice(-1)] };
  });
  expect(ratesBeyond(stopped, key)).toEqual([0.032]);
  expect(ratesBeyond(tried([0.002, 3.8], [0.0005, 3.7], [0.008, 3.9]), key)).toEqual([0.000125]);
  expect(ratesBeyond(stopped, { ...key, arm: "fixed 0.5" })).toEqual([]);
});

it("limited runs count at the learning rate that their arm has by now", () => {
  const setting = { deadlineSeconds: 4, energyLimitJoules: null, devices: 4, subChannels: 32 };
  const run = { ...setting, arm: "fixed 0.5", seed: "1", heldOut: 3, tookPart: 1, dropoutRate: 0.5 };
  const runs = [0.002, 0.008].map((learningRate) => ({ ...run, learningRate, joules: 1 }));
  expect(tunedRuns(runs, { task: "presidents" }, CELLS)).toEqual([runs[1]]);
});

describe("figures", () => {
  const row = (csv: string, arm: string): string[] =>
    csv
      .split("\n")
      .find((line) => line.includes(`,${arm},`))!
      .split(",");

  it("tune every arm alike, on a seed that does not report", () => {
    expect(tunedRate(CELLS, { task: "presidents", devices: 4, arm: "fixed 0" })).toBe(0.002);
    expect(tunedRate(CELLS, { task: "presidents", devices: 4, arm: "fixed 0.5" })).toBe(0.008);
    expect(tunedRate(CELLS, { task: "spam", devices: 4, arm: "fixed 0.5" })).toBeNull();
    const csv = csvText(lossOverRates(STUDIED).table);
    // Mean of seeds 1 and 2, 3.9 and 4.1, with its standard error; stopped at 3.5.
    expect(row(csv, "fixed 0").slice(3)).toEqual([
      ...["0.002", "2", "0", "3", "0.2", "4", "0.1", "3.5", "0", "1", "0.1"],
      ...["", ""],
    ]);
  });

  it("give no text to a spreadsheet that it would take for a formula, or for two cells", () => {
    const texts = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", 'a "b", c', "fixed 0.5"];
    expect(csvText({ columns: ["text", "number"], rows: texts.map((text) => [text, -1]) })).toBe(
      `text,number\n'=HYPERLINK(1),-1\n'+1,-1\n'-1,-1\n'@SUM(A1),-1\n'\t=1,-1\n"a ""b"", c",-1\nfixed 0.5,-1\n`,
    );
  });

  it("say the same whichever cells ended first", () => {
    for (const figure of [lossOverRates, lossOverRounds, costToTarget, verdicts, ablations])
      expect(csvText(figure(studiedArms(CELLS.toReversed())).table)).toBe(
        csvText(figure(studiedArms(CELLS)).table),
      );
  });

  it("compare arms on the seed that all of them have", () => {
    const tuningOnly = studiedArms([...CELLS, cell("fixed 0.9", 0.002, "0", 3.6)]);
    expect(tuningOnly.map(({ arm, isTuningOnly, cells }) => [arm, isTuningOnly, cells.length])).toEqual([
      ["fixed 0", true, 1],
      ["fixed 0.5", true, 1],
      ["fixed 0.9", true, 1],
    ]);
    // Of seeds 1 and 2 only those that both arms have; seed by seed, whatever order they ended in.
    const of = (cells: readonly Cell[]) =>
      studiedArms(cells).map(({ isTuningOnly, cells }) => [
        isTuningOnly,
        cells.map((own) => lastOf(own).report),
      ]);
    expect(of(CELLS)).toEqual([
      [false, [3.9, 4.1]],
      [false, [3.1, 3.3]],
    ]);
    expect(of(CELLS.filter(({ arm, seed }) => arm === "fixed 0" || seed !== "1"))).toEqual([
      [false, [4.1]],
      [false, [3.3]],
    ]);
  });

  it("count what it takes to a target, and what stopping would have given", () => {
    expect(row(csvText(costToTarget(STUDIED).table), "fixed 0.5").slice(3)).toEqual([
      ...["to target", "3.51", "2", "2", "3", "3", "3", "30", ""],
    ]);
    // 3.2 against 4.0 and against 3.5, where seeds differ by 0.2; the gap is 1 against 1.1 and 0.9; 3 MB against 6.
    const own = row(csvText(verdicts(STUDIED).table), "fixed 0.5").slice(4);
    expect(own.slice(0, 10).map(Number)).toEqual(
      [20, 0, 30 / 3.5, 10 / 3.5, 0, 10, 50, 0, 0, 0].map((value) => expect.closeTo(value, 3)),
    );
    expect(own.slice(10)).toEqual(["shown", "refuted", "shown"]);
  });

  it("show or refute a claim by two standard errors at least, and say why they cannot", () => {
    const claimOf = (...losses: readonly number[]): readonly unknown[] => {
      const cells = losses.flatMap((loss, i) => [
        cell("fixed 0", 0.002, `${i + 1}`, 4),
        cell("fixed 0.5", 0.002, `${i + 1}`, loss),
      ]);
      const tuning = [cell("fixed 0", 0.002, "0", 4), cell("fixed 0.5", 0.002, "0", 3)];
      const { text, table } = verdicts(studiedArms([...tuning, ...cells]));
      const own = Object.fromEntries(table.columns.map((column, i) => [column, table.rows[0]?.[i]]));
      expect(text.join()).toContain(`with fixed 0.5, ${own.over_15_fair}`);
      return [own.fair_percent, own.fair_error_percent, own.over_15_fair];
    };
    // Against 3.5 where plain federated LoRA is stopped, half of what two seeds differ by is an error.
    const of = (mean: number, error: number): number[] =>
      [mean - error, mean + error].map((percent) => 3.5 * (1 - percent / 100));
    const about = (percent: number) => expect.closeTo(percent, 6);
    const close = "not shown: within 2 standard errors";
    expect(claimOf(...of(25, 4.9))).toEqual([about(25), about(4.9), "shown"]);
    expect(claimOf(...of(25, 5.1))).toEqual([about(25), about(5.1), close]);
    expect(claimOf(...of(5, 5.1))).toEqual([about(5), about(5.1), close]);
    expect(claimOf(...of(5, 4.9))).toEqual([about(5), about(4.9), "refuted"]);
    expect(claimOf(2)).toEqual([about(100 * (1 - 2 / 3.5)), null, "not shown: a single seed"]);
  });

  it("tell how far an ablation ends above its reference, with the error of the differences seed by seed", () => {
    // 0.2 and 0.4 above 3.1 and 3.3: 0.3 of 3.2 on average, and half of what the two differ by.
    const other = [
      cell("plain mean", 0.002, "0", 3),
      cell("plain mean", 0.002, "1", 3.3),
      cell("plain mean", 0.002, "2", 3.7),
    ];
    const [above, error] = row(
      csvText(ablations(studiedArms([...CELLS, ...other])).table),
      "plain mean",
    ).slice(9);
    expect([above, error].map(Number)).toEqual([0.3, 0.1].map((x) => expect.closeTo((100 * x) / 3.2, 3)));
  });

  it("draw nothing that is not in their CSV, with the project's own results", async () => {
    const studied = studiedArms(await readCells(join(results, "cells.csv")));
    const methods = studied.filter(({ arm }) => ablatedBy(arm) === null);
    expect(lossOverRates(methods).charts.map(({ title }) => title)).toContain("spam, 4 devices: accuracy");
    for (const figure of [lossOverRates(methods), lossOverRounds(methods), costToTarget(methods)])
      expectInTable(figure);
    expectInTable(ablations(studied));
    expectInTable(foreseen([await readRecordedRun(join(results, "own-run"))]));
    expect(verdicts(methods).charts).toEqual([]);
    const trials = [0, 1, 2].flatMap((trial): AttackResult[] =>
      [0, 0.5].flatMap((dropoutRate): AttackResult[] => [
        {
          ...{ attack: "inversion", dropoutRate, localSteps: 1, noise: 0, trial, texts: 2 },
          ...{ found: 0.3 * trial, rank: 1 },
        },
        {
          ...{ attack: "membership", dropoutRate, epsilon: null, rounds: 1, trial, texts: 2 },
          ...{ isMember: [true, false], losses: [1 + trial, 2], base: [2, 2] },
        },
      ]),
    );
    expectInTable(privacy(trials), 2);
  });

  it("have no gap foreseen in rounds whose plan had none to go by", async () => {
    const { columns, rows } = foreseen([await readRecordedRun(join(results, "own-run"))]).table;
    const ofRounds = rows.filter((row) => row[columns.indexOf("device")] === "");
    const inRounds = (column: string): readonly unknown[] =>
      ofRounds.map((row) => row[columns.indexOf(column)]);
    expect(inRounds("gap_foreseen")[0]).toBeNull();
    expect(inRounds("gap_measured")[0]).toBeGreaterThan(0.1);
    expect(inRounds("gap_foreseen").at(-1)).toBeGreaterThan(0.1);
  });

  it("draw of the fixed rates 0 and the best other one beside methods, and have all in the table", () => {
    const worse = STUDIED.map((own) => (own.arm === "fixed 0" ? { ...own, arm: "fixed 0.9" } : own)).filter(
      ({ arm }) => arm === "fixed 0.9",
    );
    for (const { charts, table } of [lossOverRounds, costToTarget].map((draw) =>
      draw([...worse, ...STUDIED]),
    )) {
      for (const chart of charts as readonly Chart[])
        expect(chart.series.map(({ name }) => name)).toEqual(["fixed 0", "fixed 0.5"]);
      expect(csvText(table)).toContain(",fixed 0.9,");
    }
  });

  it("have what each seed was stopped at beside the round that the mean is stopped in", () => {
    const [plain] = STUDIED as [StudiedArm];
    const at = (seed: number, losses: readonly number[]): Trajectory => ({
      points: losses.map((loss, i) => point(3 * i, { choose: loss, report: loss + seed })),
    });
    // The means are 4, 3.5 and 3.6: the second seed is stopped later than it.
    const apart = { ...plain, cells: [at(0, [4, 3.4, 3.8]), at(0.5, [4, 3.6, 3.4])] };
    const { columns, rows } = lossOverRounds([apart]).table;
    const stopped = rows.map((cells) => cells[columns.indexOf("stopped")]);
    expect(stopped).toEqual([null, expect.closeTo((3.4 + 3.9) / 2, 9), null]);
  });

  it("count a round over the seeds that got to it", () => {
    const [plain] = STUDIED as [StudiedArm];
    const [first, second] = plain.cells as [Trajectory, Trajectory];
    const cut = { ...plain, cells: [first, { points: second.points.slice(0, 2) }] };
    const rounds = csvText(costToTarget([cut]).table)
      .split("\n")
      .filter((line) => line.includes("within budget"));
    expect(rounds.map((line) => line.split(",").slice(6))).toEqual([
      ["2", "0", "0", "0", "0", "4"],
      ["2", "3", "3", "3", "30", "3.5"],
      ["1", "6", "6", "6", "60", "3.9"],
    ]);
  });

  it("tell live rates by what they come from, in each chart's legend", () => {
    const live = (arm: ArmName, dropoutRate: number, last: number): Cell[] =>
      ["0", "1", "2"].map((seed) => cell(arm, 0.002, seed, last, { dropoutRate }));
    const labelled = (own: Cell): Cell => ({
      ...own,
      points: own.points.map((at) => ({ ...at, accuracy: at.report / 10 })),
    });
    const cells = [
      ...CELLS,
      ...live("random", 0.4, 3.7),
      ...live("greedy", 0.6, 3.2),
      ...live("equal", 0.7, 3.3),
      ...live("p-sca", 0.6, 3.2),
      ...live("branch-and-bound", 0.65, 3.1),
      ...live("branch-and-bound theorem", 0.5, 3.4),
      ...live("input dropout 0.1", 0, 3.6),
    ];
    const figure = lossOverRates(studiedArms(cells.map(labelled)));
    expectInTable(figure);
    expect(figure.charts).toHaveLength(3);
    for (const chart of figure.charts as readonly Chart[]) {
      const drawn = chart.series.filter(({ kind }) => kind === "points");
      expect(
        drawn.map(({ name, points }) => [name.replace(", held out", ""), points.map(({ x }) => x)]),
      ).toEqual([
        ["chosen live", [0.6, 0.6, 0.65]],
        ["equal rates", [0.7]],
        ["random rates", [0.4]],
        ["by the theorem", [0.5]],
      ]);
      const svg = chartSvg(chart);
      for (const { name } of drawn) expect(svg).toContain(`>${name}</text>`);
    }
  });

  it("draw every point of a series, and nothing of none", () => {
    const { charts } = lossOverRates(STUDIED);
    expect(chartSvg(charts[0] as Chart).match(/<circle/g)!.length).toBe(3 + 3 * 2);
    expect(chartSvg({ title: "", xLabel: "", yLabel: "", series: [] })).toBe("");
    // Nine series of one point: the last has the first one's colour, and a dot and a key that are hollow.
    const series = Array.from({ length: 9 }, (_, i) => ({ name: `${i}`, points: [{ x: i, y: i }] }));
    const nine = chartSvg({ title: "", xLabel: "", yLabel: "", series });
    expect(nine.match(/fill="#fff" stroke="#0072b2"/g)).toHaveLength(2);
    expect(reportHtml({ command: "a < b", caution: "", figures: [] })).toContain("a &lt; b");
  });
});

describe("the command", () => {
  it("refuses a figure that there is none of, and no seeds", async () => {
    await expect(reproduce(["9"])).rejects.toThrow(
      'expected a figure of 1, 2, 3, 4, 5, 6, 7, privacy, got "9"',
    );
    await expect(reproduce(["--seeds", "0"])).rejects.toThrow(
      /--seeds: expected a whole number of at least 1/,
    );
  });

  it("says beforehand how long it takes", async () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    await reproduce(["--help"]);
    const help = String(write.mock.lastCall);
    write.mockRestore();
    expect(help).toMatch(/full study takes about four hours .*figure 4 an hour and a half/);
    expect(help).toMatch(/--quick .*four minutes at most/);
    expect(help).toMatch(/--draw .*run no federation: .* figure 4 solve .* again/);
    expect(help).toMatch(/solved anew whenever figure 4 is drawn, with --draw too/);
  });

  it("tells what each figure was made of, and the commands that make it again", async () => {
    const out = await folder();
    const rates = (own: Cell): Cell[] =>
      [0.0005, 0.002, 0.008].map((learningRate) => ({ ...own, learningRate }));
    const rounds = (own: Cell): Cell => ({
      ...own,
      points: [0, 3, 6, 9, 12].map((round) => point(round, {})),
    });
    const whole = ["0", "1", "2"].flatMap((seed) => rates(rounds(cell("fixed 0.5", 0, seed, 3.4))));
    const more = ["0", "1"].map((seed) => ({ ...rounds(cell("random", 0.002, seed, 3.4)), devices: 8 }));
    for (const own of [...whole, ...more]) await appendCell(join(out, "cells.csv"), own);
    await reproduce(["2", "--draw", "--out", out]);
    const report = await readFile(join(out, "report-2.html"), "utf8");
    const cellsOf = (task: string): string[] =>
      [...report.slice(report.indexOf("How it was made")).matchAll(/<tr>(.*?)<\/tr>/g)]
        .map(([, row = ""]) => [...row.matchAll(/<td>(.*?)<\/td>/g)].map(([, text = ""]) => text))
        .find((row) => row.join().startsWith(task)) as string[];
    expect(cellsOf("presidents,4")).toEqual([
      ...["presidents", "4", "fixed 0.5", "12", "3", "64", "0", "0.0005, 0.002, 0.008", "1, 2"],
      `npx fedlodrop reproduce 2 --seeds 2 --out ${out}`,
    ]);
    // No study of the command has eight devices.
    expect(cellsOf("presidents,8")).toEqual([
      ...["presidents", "8", "random", "12", "3", "64", "0", "0.002", "1"],
      `npx tsx bench/regret.ts --tasks presidents --devices 8 --arms &quot;random&quot; --seeds 1 --learning-rates 0.002 --rounds 12 --csv ${join(out, "cells.csv")}`,
    ]);
  });

  it("plays the arms of the figures that are named, and no others", async () => {
    const out = await folder();
    const csv = join(out, "cells-quick.csv");
    const played = (arm: ArmName): Cell => ({
      ...cell(arm, 0.008, "0", 3.4),
      devices: 2,
      points: [0, 1, 2, 3, 4].map((round) => point(round, {})),
    });
    for (const arm of ["fixed 0.5", "int8 updates"] as const) await appendCell(csv, played(arm));
    const before = await readFile(csv, "utf8");
    await reproduce(["6", "--quick", "--out", out]);
    expect(await readFile(csv, "utf8")).toBe(before);
    const [, ...rows] = (await readFile(join(out, "figure-6.csv"), "utf8")).trimEnd().split("\n");
    expect(rows).toHaveLength(2);
  });

  it("compares a figure's arms over their own seeds, where arms that it has no use for have fewer", async () => {
    const out = await folder();
    for (const own of [...CELLS, cell("FFA-LoRA", 0.002, "0", 3.6), cell("local only", 0.002, "1", 3.6)])
      await appendCell(join(out, "cells.csv"), own);
    await reproduce(["1", "--draw", "--out", out]);
    expect(await readFile(join(out, "figure-1.csv"), "utf8")).toBe(csvText(lossOverRates(STUDIED).table));
  });

  it("prints commands that name arms there are, each once, whatever a figure compares", async () => {
    const out = await folder();
    for (const arm of ["fixed 0", "random", "rank 2", "fixed 0.5"] as const)
      for (const seed of ["0", "1"])
        await appendCell(join(out, "cells.csv"), { ...cell(arm, 0.002, seed, 3.4), devices: 8 });
    await reproduce(["1", "2", "3", "6", "7", "--draw", "--out", out]);
    const report = await readFile(join(out, "report-1-2-3-6-7.html"), "utf8");
    expect(report).toContain(TO_STOP);
    const named = [...report.matchAll(/--arms &quot;(.*?)&quot;/g)].map(([, arms = ""]) => arms.split(","));
    expect(named).toHaveLength(5);
    for (const arms of named) {
      expect(Object.keys(ARMS)).toEqual(expect.arrayContaining(arms));
      expect(new Set(arms).size).toBe(arms.length);
    }
  });

  it("keeps a quick study's cells out of a full one's figures, and the other way round", async () => {
    const out = await folder();
    for (const own of CELLS) await appendCell(join(out, "cells.csv"), own);
    for (const seed of ["0", "1"])
      await appendCell(join(out, "cells-quick.csv"), { ...cell("fixed 0.8", 0.008, seed, 3.4), devices: 2 });
    const drawn = async (...flags: string[]): Promise<string> => {
      await reproduce(["1", ...flags, "--draw", "--out", out]);
      return readFile(join(out, "figure-1.csv"), "utf8");
    };
    expect(await drawn()).toBe(csvText(lossOverRates(STUDIED).table));
    const [, ...rows] = (await drawn("--quick")).trimEnd().split("\n");
    expect(rows.map((row) => row.split(",").slice(0, 3))).toEqual([["presidents", "2", "fixed 0.8"]]);
  });

  it("is refused in one line where nothing has been played", async () => {
    const out = await folder();
    await expect(reproduce(["2", "--draw", "--out", out])).rejects.toThrow(
      `figure 2: expected finished cells in ${join(out, "cells.csv")}, got none; leave out --draw`,
    );
  });

  it("draws from what a folder has, the same again", async () => {
    const out = await folder();
    // An ablation with fewer seeds takes none from the methods.
    for (const own of [...CELLS, cell("rank 2", 0.002, "0", 3.6)])
      await appendCell(join(out, "cells.csv"), own);
    const files = async () => {
      await reproduce(["7", "1", "2", "3", "1", "--draw", "--out", out]);
      return Promise.all(
        ["report-1-2-3-7.html", "figure-1.csv", "figure-2.csv"].map((file) =>
          readFile(join(out, file), "utf8"),
        ),
      );
    };
    const first = await files();
    expect(first[0]).toContain("<svg");
    expect(first[1]).toBe(csvText(lossOverRates(STUDIED).table));
    expect(await files()).toEqual(first);
    // The whole one is written by the whole study alone.
    await expect(readFile(join(out, "report.html"))).rejects.toThrow("ENOENT");
  });
});
