/**
 * Chooses kernels for this adapter by timing ours against tfjs's on the shapes of a small training step. Nothing is
 * assumed of an adapter: what wins on a GPU emulated by the CPU may lose on a real one.
 */
import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { KernelChoice } from "../../trainer/engine-description.ts";
import { installFamily, type KernelFamily, type RunProgram } from "./webgpu-kernels.ts";

/** Time for a family after its first (compiling) runs; but at least MIN_REPEATS of each candidate. */
const PROBE_SECONDS = 0.05;
const MIN_REPEATS = 4;
const MAX_REPEATS = 20;

const PROBED = ["matmul", "softmax", "rows"] as const satisfies readonly KernelFamily[];

/** Installs every family that is faster than tfjs's kernels here and says what was measured. The element-wise family
 *  needs no trial: it does the same work in fewer dispatches. */
export async function chooseKernels(backend: WebGPUBackend, run: RunProgram): Promise<KernelChoice[]> {
  installFamily("gelu", run);
  const choices: KernelChoice[] = [{ kernel: "gelu", chosen: "own" }];
  for (const family of PROBED) choices.push(await probe(family, backend, run));
  return choices;
}

/** The two take turns and their best times are compared: a busy machine only ever adds time, and to either. */
async function probe(
  family: (typeof PROBED)[number],
  backend: WebGPUBackend,
  run: RunProgram,
): Promise<KernelChoice> {
  const work = probeWork(family);
  const timeStock = (): Promise<number> => secondsOf(work.run, backend);
  const timeOwn = async (): Promise<number> => {
    const restore = installFamily(family, run);
    try {
      return await secondsOf(work.run, backend);
    } finally {
      restore();
    }
  };
  await timeStock(); // compiles
  await timeOwn();
  let stockSeconds = Number.POSITIVE_INFINITY;
  let ownSeconds = Number.POSITIVE_INFINITY;
  for (let repeat = 0, spent = 0; repeat < MAX_REPEATS; repeat++) {
    if (repeat >= MIN_REPEATS && spent > PROBE_SECONDS) break;
    const [stock, own] = [await timeStock(), await timeOwn()];
    stockSeconds = Math.min(stockSeconds, stock);
    ownSeconds = Math.min(ownSeconds, own);
    spent += stock + own;
  }
  tf.dispose(work.inputs);
  const chosen = ownSeconds < stockSeconds ? "own" : "stock";
  if (chosen === "own") installFamily(family, run);
  return { kernel: family, chosen, seconds: { own: ownSeconds, stock: stockSeconds } };
}

interface ProbeWork {
  readonly inputs: tf.Tensor[];
  readonly run: () => void;
}

/** 256 tokens through a layer of width 128: what a step does most. */
function probeWork(family: (typeof PROBED)[number]): ProbeWork {
  const ramp = (...shape: number[]): tf.Tensor => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    return tf.tensor(values, shape);
  };
  switch (family) {
    case "matmul": {
      const [x, w] = [ramp(256, 128), ramp(128, 512)] as [tf.Tensor, tf.Tensor];
      return { inputs: [x, w], run: () => void tf.matMul(x, w) };
    }
    case "softmax": {
      const scores = ramp(1024, 64);
      return { inputs: [scores], run: () => void tf.softmax(scores as tf.Tensor2D) };
    }
    case "rows": {
      const rows = ramp(256, 512);
      return { inputs: [rows], run: () => void tf.sum(rows, -1) };
    }
    default:
      return family satisfies never;
  }
}

async function secondsOf(work: () => void, backend: WebGPUBackend): Promise<number> {
  const start = performance.now();
  tf.tidy(work);
  await finish(backend);
  return (performance.now() - start) / 1000;
}

/** Waits until the device has done everything recorded so far. */
async function finish(backend: WebGPUBackend): Promise<void> {
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
}
