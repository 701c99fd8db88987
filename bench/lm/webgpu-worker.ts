/**
 * Runs LoRA steps of shape S on WebGPU in a browser worker: `own` on our engine, `tfjs` on our trainer over tfjs. Counts
 * and times are taken at the browser's own interface, so both are counted alike.
 */
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { createTensorflowTrainer } from "../../packages/lm/src/engines/tfjs/tensorflow-trainer.ts";
import type { ProbeKey } from "../../packages/lm/src/engines/webgpu/choices.ts";
import { createWebgpuEngine, openRuntime } from "../../packages/lm/src/engines/webgpu/open.ts";
import type { KernelChoice } from "../../packages/lm/src/trainer/engine-description.ts";
import { createPlannedTrainer } from "../../packages/lm/src/trainer/planned-trainer.ts";
import type { LocalTrainer } from "../../packages/lm/src/trainer/trainer.ts";
import { workload } from "./workload.ts";

export interface Opened {
  readonly device: string;
  readonly kernels: readonly KernelChoice[];
  /** All choices that a step depends on; 0 where there is no such probe. */
  readonly probeMs: number;
  /** Weights to the device, compiling and the step itself, after the probe. */
  readonly firstStepMs: number;
  /** Of that: while at least one program was being compiled, and each program's own time, in the order of their ends. */
  readonly compileMs: number;
  readonly compiled: readonly (readonly [label: string, milliseconds: number])[];
  readonly loss: number;
}

export interface Profile {
  readonly alone: readonly (readonly [label: string, milliseconds: number])[];
  readonly together: number;
}

interface Dispatch {
  readonly program: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly size: Parameters<GPUComputePassEncoder["dispatchWorkgroups"]>;
}

export interface StepCost {
  readonly dispatches: number;
  readonly submissions: number;
  readonly readbacks: number;
  readonly buffers: number;
  readonly pipelines: number;
}

const CHOICES: readonly ProbeKey[] = [
  ...(["product f32", "transposedProduct f32", "attention", "attentionBackward"] as const),
  ...(["loraDown", "loraGradient", "normRows", "lossRows"] as const),
];

const counts = { dispatches: 0, submissions: 0, readbacks: 0, buffers: 0, pipelines: 0 };
let liveBytes = 0;
const compiling = { now: 0, since: 0, ms: 0, compiled: [] as [string, number][] };
let encodingSince = 0;
const encodeMs: number[] = [];
let recorded: Dispatch[] | undefined;
/** Milliseconds of some dispatches, one after the other, in one submission of so many times that. */
let repeat: (list: readonly Dispatch[], times: number) => Promise<number>;
countEverything();

let trainer: LocalTrainer;

const { model, adapter, dataset, request } = workload("S");

async function round(localSteps: number) {
  return (await trainer.trainRound(request(localSteps), dataset)).steps;
}

serveLab({
  async open(kind: "own" | "tfjs"): Promise<Opened> {
    let start = performance.now();
    let probeMs = 0;
    if (kind === "own") {
      const runtime = await openRuntime();
      await runtime.probe.choose(CHOICES);
      probeMs = performance.now() - start;
      start = performance.now();
      Object.assign(compiling, { ms: 0, compiled: [] });
      trainer = await createPlannedTrainer(createWebgpuEngine(runtime), model, adapter, "f32");
    } else trainer = await createTensorflowTrainer("webgpu", model, adapter, {});
    const [first] = await round(1);
    const firstStepMs = performance.now() - start;
    const { device, kernels } = trainer.engine;
    const { ms: compileMs, compiled } = compiling;
    const loss = first?.loss ?? Number.NaN;
    return { device, kernels: [...kernels], probeMs, firstStepMs, compileMs, compiled, loss };
  },

  steps: async (count: number): Promise<number[]> =>
    (await round(count)).map(({ seconds }) => 1000 * seconds),

  /** What one step takes beside time: a round of three steps less a round of two. */
  async cost(): Promise<StepCost> {
    const during = async (steps: number): Promise<StepCost> => {
      const before = { ...counts };
      await round(steps);
      const names = Object.keys(counts) as (keyof StepCost)[];
      return Object.fromEntries(names.map((name) => [name, counts[name] - before[name]])) as never;
    };
    const [two, three] = [await during(2), await during(3)];
    const names = Object.keys(counts) as (keyof StepCost)[];
    return Object.fromEntries(names.map((name) => [name, three[name] - two[name]])) as never;
  },

  /** JavaScript from the command encoder to the submission, of each step. */
  async encode(steps: number): Promise<number[]> {
    encodeMs.length = 0;
    await round(steps);
    return encodeMs.slice(0, steps);
  },

  /** Bytes that live buffers hold after every 50th of so many steps. */
  async held(steps: number): Promise<number[]> {
    const held: number[] = [];
    for (let done = 0; done < steps; done += 50) {
      await round(50);
      held.push(liveBytes);
    }
    return held;
  },

  /** Milliseconds of each dispatch of one step by itself, as often as outlasts the way to the device, and of all in one submission. */
  async profile(): Promise<Profile> {
    recorded = [];
    await round(1);
    const dispatches = recorded;
    recorded = undefined;
    const best = async (list: readonly Dispatch[], times: number): Promise<number> => {
      let least = Number.POSITIVE_INFINITY;
      for (let turn = 0; turn < 3; turn++) least = Math.min(least, await repeat(list, times));
      return least;
    };
    const alone: (readonly [string, number])[] = [];
    for (const dispatch of dispatches) {
      const once = await repeat([dispatch], 1);
      alone.push([dispatch.program.label, await best([dispatch], Math.ceil(Math.min(64, 20 / once)))]);
    }
    return { alone, together: await best(dispatches, 1) };
  },
});

/** Wraps the calls that are counted. */
function countEverything(): void {
  const devices = new Set<GPUDevice>();
  const destroyed = new WeakSet<GPUBuffer>();
  const { createBuffer, createComputePipeline, createComputePipelineAsync, createCommandEncoder } =
    GPUDevice.prototype;
  const { destroy, mapAsync } = GPUBuffer.prototype;
  const { submit } = GPUQueue.prototype;
  const { setPipeline, setBindGroup, dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    counts.buffers++;
    liveBytes += descriptor.size;
    return createBuffer.call(this, descriptor);
  };
  GPUDevice.prototype.createComputePipeline = function (descriptor) {
    counts.pipelines++;
    return createComputePipeline.call(this, descriptor);
  };
  GPUDevice.prototype.createComputePipelineAsync = function (descriptor) {
    counts.pipelines++;
    const start = performance.now();
    if (compiling.now++ === 0) compiling.since = start;
    return createComputePipelineAsync.call(this, descriptor).finally(() => {
      const end = performance.now();
      compiling.compiled.push([descriptor.label ?? "", end - start]);
      if (--compiling.now === 0) compiling.ms += end - compiling.since;
    });
  };
  GPUDevice.prototype.createCommandEncoder = function (descriptor) {
    devices.add(this);
    encodingSince = performance.now();
    return createCommandEncoder.call(this, descriptor);
  };
  GPUBuffer.prototype.destroy = function () {
    if (!destroyed.has(this)) liveBytes -= this.size;
    destroyed.add(this);
    return destroy.call(this);
  };
  GPUBuffer.prototype.mapAsync = function (...values) {
    counts.readbacks++;
    return mapAsync.apply(this, values);
  };
  GPUQueue.prototype.submit = function (commands) {
    counts.submissions++;
    const result = submit.call(this, commands);
    encodeMs.push(performance.now() - encodingSince);
    return result;
  };
  let pipeline: GPUComputePipeline;
  let bindings: GPUBindGroup;
  GPUComputePassEncoder.prototype.setPipeline = function (value) {
    pipeline = value;
    return setPipeline.call(this, value);
  };
  GPUComputePassEncoder.prototype.setBindGroup = function (...values: unknown[]) {
    bindings = values[1] as GPUBindGroup;
    return (setBindGroup as (...values: unknown[]) => undefined).apply(this, values);
  };
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...size) {
    counts.dispatches++;
    recorded?.push({ program: pipeline, group: bindings, size });
    return dispatchWorkgroups.apply(this, size);
  };
  repeat = async (list, times) => {
    const [device] = devices;
    if (!device) throw new Error("profile: expected a step before it");
    const encoder = createCommandEncoder.call(device);
    const pass = encoder.beginComputePass();
    for (let i = 0; i < times; i++)
      for (const { program, group, size } of list) {
        setPipeline.call(pass, program);
        (setBindGroup as (...values: unknown[]) => undefined).call(pass, 0, group);
        dispatchWorkgroups.apply(pass, size);
      }
    pass.end();
    const start = performance.now();
    submit.call(device.queue, [encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / times;
  };
}
