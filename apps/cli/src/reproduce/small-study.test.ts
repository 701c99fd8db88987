import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTinyModel } from "@fedlodrop/harness";
import {
  adapterLayout,
  adapterSize,
  createRandom,
  initialAdapter,
  keptIndices,
  resolveRunConfig,
  subAdapter,
} from "@fedlodrop/run";
import { beforeAll, describe, expect, it } from "vitest";
import { ablatedBy } from "./arms.ts";
import { type Point, runCell } from "./cell.ts";
import { type Cell, readCells } from "./cells.ts";
import { csvText } from "./figure.ts";
import { ablations } from "./figures/ablations.ts";
import { costToTarget } from "./figures/cost-to-target.ts";
import { limits } from "./figures/limits.ts";
import { lossOverRates } from "./figures/loss-over-rates.ts";
import { lossOverRounds } from "./figures/loss-over-rounds.ts";
import { verdicts } from "./figures/verdicts.ts";
import { expectInTable } from "./in-table.fixture.ts";
import { openLab } from "./lab.ts";
import { deviceCounts, type LimitedStudy, readLimited, runLimited } from "./limited.ts";
import { rigOf } from "./rig.ts";
import { trainStepwise } from "./stepwise.ts";
import { studiedArms } from "./studied.ts";
import { runStudy, type Study } from "./study.ts";

let folder: string;
let study: Study;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "study-"));
  await writeTinyModel(folder);
  const random = createRandom("texts");
  const animals = ["cat", "dog", "bird", "fox", "hen"];
  const sentence = (): string =>
    `the ${animals[random.below(5)]} sat on the mat and saw the ${animals[random.below(5)]}`;
  const task = join(folder, "texts.csv");
  await writeFile(task, ["text", ...Array.from({ length: 120 }, () => `"${sentence()}"`)].join("\n"));
  study = {
    tasks: [task],
    arms: ["fixed 0", "fixed 0.5", "branch-and-bound", "FFA-LoRA", "int8 updates"],
    devices: 2,
    learningRates: [0.02],
    seeds: 0,
    size: {
      samples: 8,
      every: 1,
      rounds: 3,
      settings: {
        model: folder,
        rank: 2,
        samplesPerDevice: 12,
        training: { localSteps: 2, batchSize: 2, sequenceLength: 16 },
      },
    },
  };
});

describe("the smallest study", () => {
  it("fills every figure, each number from its cells, and comes out the same again", async () => {
    const texts: string[] = [];
    for (const name of ["first.csv", "second.csv"]) {
      const csv = join(folder, name);
      await runStudy(study, csv, () => {});
      // Threads end in any order; what a cell says is the same.
      texts.push((await readFile(csv, "utf8")).split("\n").sort().join("\n"));
    }
    expect(texts[1]).toBe(texts[0]);
    const cells = await readCells(join(folder, "first.csv"));
    expect(cells).toHaveLength(5);
    const studied = studiedArms(cells);
    const methods = studied.filter(({ arm }) => ablatedBy(arm) === null);
    const figures = [
      lossOverRates(methods),
      lossOverRounds(methods),
      costToTarget(methods),
      verdicts(methods),
      ablations(studied),
    ];
    for (const figure of figures) {
      expect(figure.table.rows.length, figure.title).toBeGreaterThan(0);
      expectInTable(figure);
    }
    const last = cells.find(({ arm, seed }) => arm === "fixed 0" && seed === "0")!.points.at(-1)!;
    const row = csvText(lossOverRates(methods).table)
      .split("\n")
      .find((line) => line.includes(",fixed 0,"))!;
    expect(row.split(",")).toContain(String(Number(last.report.toPrecision(6))));
  }, 300_000);

  it("runs every variant, which changes what it says it does and nothing else", async () => {
    const size = { ...study.size, rounds: 2 };
    const cell = async (arm: Parameters<typeof runCell>[0]["arm"]) =>
      (await runCell({ task: study.tasks[0]!, devices: 2, arm, learningRate: 0.02, seed: "7" }, size)).points;
    const plain = (await cell("fixed 0.5")).at(-1)!;
    const whole = (await cell("fixed 0")).at(-1)!;
    const bytes = async (arm: Parameters<typeof cell>[0]) => (await cell(arm)).at(-1)!.bytes;
    expect(await bytes("f16 updates")).toBeLessThan(0.6 * plain.bytes);
    const int8 = (await cell("int8 updates")).at(-1)!;
    expect(int8.bytes).toBeLessThan(0.9 * plain.bytes);
    expect(int8.report).not.toBe(plain.report);
    expect(int8.report).toBeCloseTo(plain.report, 2);
    for (const arm of ["Bernoulli masks", "Horvitz-Thompson", "FedEx residual", "no rescaling"] as const)
      expect(Math.abs((await cell(arm)).at(-1)!.report - plain.report), arm).toBeGreaterThan(0.01);
    expect(await bytes("Bernoulli masks")).not.toBe(plain.bytes);
    // Of nothing dropped: a hundred times what the two ways to take a step differ by.
    for (const arm of ["FFA-LoRA", "FedEx-LoRA", "input dropout 0.1", "local only", "centralised"] as const)
      expect(Math.abs((await cell(arm)).at(-1)!.report - whole.report), arm).toBeGreaterThan(0.01);
    expect(await bytes("FFA-LoRA")).toBeLessThan(whole.bytes);
    expect(await bytes("input dropout 0.1")).toBe(whole.bytes);
  }, 300_000);

  it("sends nothing of those who train alone or as one, which of one device are what it is anyway", async () => {
    const of = async (devices: number, arm: "fixed 0" | "local only" | "centralised") => {
      const key = { task: study.tasks[0]!, devices, arm, learningRate: 0.02, seed: "7" };
      return (await runCell(key, { ...study.size, rounds: 2 })).points.at(-1)!;
    };
    const alone = await of(1, "fixed 0");
    for (const arm of ["local only", "centralised"] as const)
      expect(await of(1, arm)).toEqual({ ...alone, bytes: 0 });
    const [apart, pooled] = [await of(2, "local only"), await of(2, "centralised")];
    expect([apart.bytes, pooled.bytes]).toEqual([0, 0]);
    // One device takes the steps of both, two rounds of two more at 0.1 s each.
    expect(pooled.seconds - apart.seconds).toBeCloseTo(0.4, 9);
  }, 300_000);

  it("adds to the base what the mean of products is beyond the product of means, nothing where devices agree on B", async () => {
    const config = resolveRunConfig({ task: study.tasks[0]!, devices: 2, ...study.size.settings });
    const lab = await openLab(config, 8);
    const { shape } = lab;
    const random = createRandom("residual");
    const normal = (): Float32Array =>
      Float32Array.from({ length: adapterSize(shape) }, () => random.uniform() - 0.5);
    const [before, first, second] = [normal(), normal(), normal()];
    const indices = Uint32Array.from(before.keys());
    const layout = adapterLayout(shape);
    const isB = (index: number): boolean =>
      layout.some(
        ({ name, offset, size }) => name.endsWith("loraB") && index >= offset && index < offset + size,
      );
    /** Loss of the mean of two devices' adapters on the new base, less that on the old one. */
    const added = async (own: readonly Float32Array[]): Promise<number> => {
      const rig = rigOf({ kind: "residual" }, lab, config);
      const updates = own.map((after, k) => ({
        ...{ participantId: `p${k + 1}`, indices, weight: 1, dropoutRate: 0 },
        changes: after.map((value, i) => value - before[i]!),
      }));
      const mean = before.map((_, i) => (own[0]![i]! + own[1]![i]!) / 2);
      await rig.combine!({ before, mean, updates });
      const { loss } = await rig.trainer.evaluate(lab.report, mean);
      rig.close();
      return loss - (await lab.trainer.evaluate(lab.report, mean)).loss;
    };
    try {
      expect(Math.abs(await added([first, second.map((x, i) => (isB(i) ? first[i]! : x))]))).toBeLessThan(
        1e-4,
      );
      expect(Math.abs(await added([first, second]))).toBeGreaterThan(0.01);
    } finally {
      lab.close();
    }
  }, 300_000);

  it("leaves out who breaks a limit, and nobody twice", async () => {
    const csv = join(folder, "limited.csv");
    const limited: LimitedStudy = {
      task: study.tasks[0]!,
      // Two steps of the second device take longer than a round may.
      settings: [
        { deadlineSeconds: 4, energyLimitJoules: null, devices: 2, subChannels: 32 },
        { deadlineSeconds: 4, energyLimitJoules: null, devices: 2, subChannels: 64 },
      ],
      arms: ["branch-and-bound", "fixed 0.5"],
      stepSeconds: [0.1, 3],
      seeds: 1,
      size: { ...study.size, rounds: 2 },
    };
    const [task, devices, learningRate] = [limited.task, 2, 0.02];
    const tuning = limited.arms.map((arm): Cell => {
      const point: Point = {
        ...{ round: 0, dropoutRate: 0, train: 1, choose: 1, report: 1, accuracy: null },
        ...{ bytes: 0, seconds: 0, joules: 0 },
      };
      return { task, devices, arm, learningRate, seed: "0", points: [point] };
    });
    await expect(runLimited(limited, tuning.slice(1), csv, () => {})).rejects.toThrow(
      /branch-and-bound: no learning rate has been tuned for 2 devices$/,
    );
    const lines: string[] = [];
    await runLimited(limited, tuning, csv, (line) => void lines.push(line));
    const runs = await readLimited(csv);
    expect(new Set(runs.map(({ arm }) => arm))).toEqual(new Set(limited.arms));
    for (const { tookPart, heldOut } of runs) {
      expect(tookPart).toBe(0.5);
      expect(heldOut).toBeGreaterThan(0);
    }
    expect(lines).toHaveLength(4);
    await runLimited(limited, tuning, csv, (line) => void lines.push(line));
    expect(lines).toHaveLength(4);
    expect(deviceCounts(limited)).toEqual([2]);
    let now = 0;
    const { table, charts } = limits(1, true, runs, () => now++);
    expectInTable({ table, charts });
    const row = csvText(table)
      .split("\n")
      .find((line) => line.startsWith("held-out loss,,fixed 0.5,,,,,4,,2,32,"))!;
    const { heldOut } = runs.find(({ arm, subChannels }) => arm === "fixed 0.5" && subChannels === 32)!;
    expect(row.split(",").slice(-6, -3)).toEqual(["0.02", "1", String(Number(heldOut.toPrecision(6)))]);
    expect(charts.at(-1)).toMatchObject({ title: "T_max 4 s, K = 2, M = 64", rows: [{}, {}] });
    const lossCharts = charts.filter(({ title }) => title.startsWith("Held-out loss over"));
    expect(lossCharts).toMatchObject([
      { xLabel: "M", series: [{ points: [{ x: 32, y: heldOut }, { x: 64 }] }, {}] },
    ]);
    await writeFile(csv, `${(await readFile(csv, "utf8")).split("\n")[0]}\n4,,2,32,fixed 0.5,0.02,1,3.2,1\n`);
    await expect(readLimited(csv)).rejects.toThrow(
      /limited.csv, line 2: expected the columns deadline_seconds,/,
    );
  }, 300_000);

  it("measures every seed on the same texts, which it deals anew", async () => {
    const [first, second] = await Promise.all(
      ["1", "2"].map(async (seed) => {
        const given = { task: study.tasks[0]!, devices: 2, seed, ...study.size.settings };
        const { choose, report, devices, close } = await openLab(resolveRunConfig(given), 8);
        close();
        return { heldOut: [choose, report], dealt: devices.map(({ dataset }) => dataset) };
      }),
    );
    expect(second!.heldOut).toEqual(first!.heldOut);
    expect(second!.dealt).not.toEqual(first!.dealt);
  }, 300_000);

  it("takes the engine's own steps, one gradient at a time", async () => {
    const config = resolveRunConfig({
      task: study.tasks[0]!,
      devices: 2,
      ...study.size.settings,
      training: { ...study.size.settings!.training, learningRate: 0.02, localSteps: 4 },
    });
    const lab = await openLab(config, 8);
    try {
      const own = subAdapter(lab.shape, { seed: "s", round: 1, participantId: "p", dropoutRate: 0 });
      expect(own.indices).toEqual(keptIndices(lab.shape, own.mask));
      const request = {
        mask: own.mask,
        dropoutRate: 0,
        values: initialAdapter(lab.shape, "s"),
        training: config.training,
        batchSeed: "b",
      };
      const { dataset } = lab.devices[0]!;
      const engine = await lab.trainer.trainRound(request, dataset);
      const stepwise = await trainStepwise(lab.trainer, request, dataset, () => ({
        factors: null,
        isTrained: () => true,
      }));
      const apart = Math.max(
        ...engine.delta.map((value, i) => Math.abs(value - (stepwise.delta[i] as number))),
      );
      expect(apart).toBeLessThan(1e-4);
      const frozen = await trainStepwise(lab.trainer, request, dataset, () => ({
        factors: null,
        isTrained: (i) => i > 9,
      }));
      expect([...frozen.delta.slice(0, 10)]).toEqual(new Array(10).fill(0));
      expect(Math.max(...frozen.delta)).toBeGreaterThan(0);
    } finally {
      lab.close();
    }
  }, 300_000);
});
