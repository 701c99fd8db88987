/** What webgpu.test.ts runs in a worker of a real Chromium. */
import { drawDropoutMask, gatherValues, initialAdapter, keptIndices } from "@fedlodrop/run";
import { serveLab } from "../../../lab/worker-lab.ts";
import type { KernelCall } from "../../plan/kernel.ts";
import { createPlannedTrainer } from "../../trainer/planned-trainer.ts";
import { cases, model, type PytorchCase } from "../../trainer/pytorch.contract.ts";
import { equal, request, trainerChecks } from "../../trainer/trainer.contract.ts";
import type { LocalTrainer } from "../../trainer/trainer.ts";
import { uploadWeights } from "../../trainer/upload.ts";
import { engineChecks } from "../engine.contract.ts";
import { openDevice } from "./device.ts";
import { createEngineOn, type OpenDevice } from "./engine.ts";
import {
  createWebgpuEngine,
  currentRuntime,
  openRuntime,
  openWebgpuEngine,
  type WebgpuRuntime,
} from "./open.ts";
import { openPipelines } from "./pipelines.ts";
import { probeWork } from "./probe-work.ts";
import { ProgramText } from "./program.ts";
import { recoverable } from "./recovery.ts";
import { formName, formsOf, variantsOf } from "./variants.ts";

const [languageModel] = cases as readonly [PytorchCase];

/**
 * Whether a check says something of a form: other kernels have no such form, how a weight is unpacked does not depend on
 * the form of its product, and of the sizes the awkward ones stand for all.
 */
function isNew(check: string, form: number): boolean {
  if (form === 0) return true;
  const forms = formsOf(true);
  if (/^linear(-backward)?: (5×24→30 f32|13×33→17 int4|37×128→131 f32)$/.test(check))
    return form < forms.product.length;
  // The low rank inside a product: of each direction one, with rows of the factors that are no whole vectors and that are.
  if (
    /^(lora-down, linear, lora-up: 23×33→19|linear-backward, lora-down, lora-up: 64×96→384) f32/.test(check)
  )
    return form < forms.product.length;
  if (/^attention(-backward)?: (2×37|1×70)/.test(check)) return form < forms.attention.length;
  if (/^lora-(down|gradient): (13×33|40×48)/.test(check)) return form < forms.loraDown.length;
  return /^(\w+-norm\S*: (1×1|13×33)|\S*cross-entropy)/.test(check) && form < forms.normRows.length;
}

async function open(): Promise<OpenDevice> {
  const watch = await openDevice();
  return { watch, pipelines: openPipelines(watch) };
}

const openTrainer = async (shape = languageModel.shape): Promise<LocalTrainer> =>
  createPlannedTrainer(await openWebgpuEngine(null), model, shape, "f32");

serveLab({
  /** Failures of the engines' contract, with every kernel in its form number `form`. */
  checkForm: async (form: number) => {
    const device = await open();
    const variants = variantsOf(device.watch.subgroups, form);
    const failures: string[] = [];
    for (const { name, check } of engineChecks.filter((check) => isNew(check.name, form)))
      await check(async () => createEngineOn(device, async () => variants, [])).catch((error: unknown) =>
        failures.push(`${name}: ${error}`),
      );
    device.watch.dispose();
    return failures;
  },

  trainerCheck: async (name: string) => {
    const check = trainerChecks.find((candidate) => candidate.name === name);
    if (!check) throw new Error(`expected a check, got ${name}`);
    await check.check(async (weights, shape) =>
      createPlannedTrainer(await openWebgpuEngine(null), weights, shape, "f32"),
    );
  },

  describe: async () => {
    const trainer = await openTrainer();
    await trainer.warmUp(languageModel.dataset, request(languageModel).training);
    const { device, kernels } = trainer.engine;
    trainer.dispose();
    return { device, kernels: [...kernels] };
  },

  /** What the probe chose, and each form's median time in a loop of our own: one kernel a submission, many turns. */
  choices: async () => {
    const { watch, pipelines, probe } = await openRuntime();
    const keys = ["product f32", "transposedProduct f32", "loraDown", "loraGradient", "normRows", "lossRows"];
    await probe.choose(keys as Parameters<typeof probe.choose>[0]);
    const results: Record<string, { chosen: string; medians: Record<string, number> }> = {};
    for (const key of keys as Parameters<typeof probeWork>[0][]) {
      const { plan, weights, inputs } = probeWork(key);
      const [purpose, base] = key.split(" ") as [keyof ReturnType<typeof formsOf>, "f32" | undefined];
      const runs = new Map<string, { once: () => Promise<unknown>; times: number[] }>();
      for (const form of formsOf(watch.subgroups)[purpose]) {
        const plain = variantsOf(watch.subgroups, 0);
        const value = base ? { ...(plain[purpose] as object), [base]: form } : form;
        const engine = createEngineOn({ watch, pipelines }, async () => ({ ...plain, [purpose]: value }), []);
        for (const weight of weights) await engine.upload(weight);
        const calls = plan.segments.probe?.slice(0, 1) ?? [];
        const execution = await engine.prepare({ ...plan, segments: { once: calls } });
        for (const [buffer, values] of inputs.entries()) execution.write(buffer, values);
        runs.set(formName(form), { once: () => execution.run("once", [0]), times: [] });
      }
      for (let turn = 0; turn < 15; turn++)
        for (const { once, times } of runs.values()) {
          const start = performance.now();
          await once();
          times.push(performance.now() - start);
        }
      const median = (times: number[]): number => times.sort((a, b) => a - b)[7] as number;
      const medians = Object.fromEntries([...runs].map(([name, { times }]) => [name, median(times)]));
      const chosen = probe.measured.find(({ kernel }) => kernel === key)?.chosen ?? "nothing";
      results[key] = { chosen, medians };
    }
    watch.dispose();
    return results;
  },

  /** Compiled pipelines, made buffers and readbacks of: the warm-up, a round at its rate, rounds at other rates. */
  roundCosts: async () => {
    const counted = count();
    const trainer = await openTrainer();
    const costs: ReturnType<typeof counted.take>[] = [];
    const take = async (work: () => Promise<unknown>): Promise<void> => {
      counted.reset();
      await work();
      costs.push(counted.take());
    };
    const { shape, dataset } = languageModel;
    await take(() => trainer.warmUp(dataset, request(languageModel).training));
    for (const dropoutRate of [0.5, 0, 0.25, 0.9])
      await take(() => {
        const key = { seed: "cost", round: 1, participantId: "a", dropoutRate };
        const mask = drawDropoutMask(shape, key);
        const values = gatherValues(initialAdapter(shape, "cost"), keptIndices(shape, mask));
        const { training } = request(languageModel, { localSteps: 3 });
        return trainer.trainRound({ mask, dropoutRate, values, training, batchSeed: "a" }, dataset);
      });
    counted.restore();
    trainer.dispose();
    return costs;
  },

  /** GPU bytes that live buffers hold in the middle of a round, and when the trainer is gone. */
  heldBytes: async (steps: number) => {
    const counted = count();
    const trainer = await openTrainer();
    const held: number[] = [];
    const training = request(languageModel, { localSteps: steps }).training;
    await trainer.trainRound(
      { ...request(languageModel), training },
      languageModel.dataset,
      ({ step }) => void (step % 50 === 25 && held.push(counted.take().liveBytes)),
    );
    trainer.dispose();
    const after = counted.take().liveBytes;
    counted.restore();
    return { held, after };
  },

  /** Forms of a thin product that the probe timed, on a driver that makes one of those count its last term too often. */
  wrongAtEnds: async (kind: string) => {
    const { createShaderModule } = GPUDevice.prototype;
    GPUDevice.prototype.createShaderModule = function ({ label = "", code }) {
      const isWrong = label === `lora down, ${kind}`;
      return createShaderModule.call(this, {
        label,
        code: isWrong ? code.replace(", isTerm)", ", true)") : code,
      });
    };
    const { watch, probe } = await openRuntime();
    await probe.choose(["loraDown"]);
    GPUDevice.prototype.createShaderModule = createShaderModule;
    watch.dispose();
    return Object.keys(probe.measured.find(({ kernel }) => kernel === "loraDown")?.seconds ?? {});
  },

  /** How a program with an error in its text ends a plan. */
  brokenProgram: async () => {
    const { watch, pipelines } = await open();
    const text = new ProgramText("broken");
    const out = text.write(0);
    return pipelines.compile([text.each(4, 4, `${out}[index] = noSuchName;`)]).then(
      () => "it compiled",
      (error: unknown) => {
        watch.dispose();
        return String(error);
      },
    );
  },

  /** How a run, the next one and a write end after an error that no scope caught, and a run of the next engine. */
  uncapturedError: async () => {
    const add: KernelCall = { kind: "add", a: 0, b: 0, out: 1, size: 4 };
    const buffer = { kind: "state", type: "f32", size: 4, slot: null } as const;
    const prepare = async () =>
      (await openWebgpuEngine(null)).prepare({
        buffers: [
          { name: "x", ...buffer },
          { name: "y", ...buffer },
        ],
        segments: { run: [add] },
        slotBytes: [],
        totalBytes: 32,
      });
    const execution = await prepare();
    await execution.run("run", [1]);
    // A buffer of no use at all is a validation error.
    (await currentRuntime()).watch.device.createBuffer({ size: 4, usage: 0 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const ending = (work: () => Promise<unknown>): Promise<string> =>
      Promise.resolve()
        .then(work)
        .then(
          () => "it succeeded",
          (error: unknown) => String(error),
        );
    return [
      await ending(() => execution.run("run", [1])),
      await ending(() => execution.run("run")),
      await ending(async () => execution.write(0, new Float32Array(4))),
      await ending(async () => (await prepare()).run("run", [1])),
    ];
  },

  /** A round without recovery whose device is destroyed after step 2, and the call after it. */
  lostDevice: async () => {
    const runtime = await openRuntime();
    const trainer = await createPlannedTrainer(
      createWebgpuEngine(runtime),
      model,
      languageModel.shape,
      "f32",
    );
    const ending = (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => "it succeeded",
        (error: unknown) => String(error),
      );
    const round = trainer.trainRound(
      request(languageModel),
      languageModel.dataset,
      ({ step }) => void (step === 2 && runtime.watch.device.destroy()),
    );
    return [await ending(round), await ending(trainer.evaluate(languageModel.dataset))];
  },

  /** Whether a round that loses its device after each of these steps gives the bits of one that keeps it. */
  recovered: async (lostAfter: readonly number[]) => {
    let runtime: WebgpuRuntime | undefined;
    const reasons: string[] = [];
    const source = {
      open: async () => {
        runtime = await openRuntime(undefined, runtime);
        return createWebgpuEngine(runtime);
      },
      upload: async (engine: Parameters<typeof uploadWeights>[0]) => {
        await uploadWeights(engine, model, "f32");
      },
      onRecovery: (reason: string) => void reasons.push(reason),
    };
    const trainer = await createPlannedTrainer(await recoverable(source), model, languageModel.shape, "f32");
    const round = request(languageModel, { localSteps: 20 });
    const calm = await trainer.trainRound(round, languageModel.dataset);
    const disturbed = await trainer.trainRound(
      round,
      languageModel.dataset,
      ({ step }) => void (lostAfter.includes(step) && runtime?.watch.device.destroy()),
    );
    equal(disturbed.delta.join(), calm.delta.join(), "update after losses");
    equal(
      disturbed.steps.map(({ loss }) => loss).join(),
      calm.steps.map(({ loss }) => loss).join(),
      "losses after losses",
    );
    const again = await trainer.trainRound(round, languageModel.dataset);
    equal(again.delta.join(), calm.delta.join(), "update of the round after");
    trainer.dispose();
    return reasons;
  },
});

/** Counts what the devices of this worker do from now on. */
function count() {
  let pipelines = 0;
  let buffers = 0;
  let readbacks = 0;
  let submissions = 0;
  let liveBytes = 0;
  const originals = {
    compile: GPUDevice.prototype.createComputePipelineAsync,
    create: GPUDevice.prototype.createBuffer,
    destroy: GPUBuffer.prototype.destroy,
    map: GPUBuffer.prototype.mapAsync,
    submit: GPUQueue.prototype.submit,
  };
  const destroyed = new WeakSet<GPUBuffer>();
  GPUDevice.prototype.createComputePipelineAsync = function (...values) {
    pipelines++;
    return originals.compile.apply(this, values);
  };
  GPUDevice.prototype.createBuffer = function (...values) {
    buffers++;
    liveBytes += values[0].size;
    return originals.create.apply(this, values);
  };
  GPUBuffer.prototype.destroy = function () {
    if (!destroyed.has(this)) liveBytes -= this.size;
    destroyed.add(this);
    return originals.destroy.apply(this);
  };
  GPUBuffer.prototype.mapAsync = function (...values) {
    readbacks++;
    return originals.map.apply(this, values);
  };
  GPUQueue.prototype.submit = function (...values) {
    submissions++;
    return originals.submit.apply(this, values);
  };
  return {
    reset() {
      pipelines = 0;
      buffers = 0;
      readbacks = 0;
      submissions = 0;
    },
    take: () => ({ pipelines, buffers, readbacks, submissions, liveBytes }),
    restore() {
      GPUDevice.prototype.createComputePipelineAsync = originals.compile;
      GPUDevice.prototype.createBuffer = originals.create;
      GPUBuffer.prototype.destroy = originals.destroy;
      GPUBuffer.prototype.mapAsync = originals.map;
      GPUQueue.prototype.submit = originals.submit;
    },
  };
}
