/** What webgpu.test.ts runs in a worker of a real Chromium. */
import {
  type AdapterShape,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
} from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { serveLab } from "../../../lab/worker-lab.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { cases, type PytorchCase } from "../../trainer/pytorch.contract.ts";
import { trainerChecks } from "../../trainer/trainer.contract.ts";
import { GELU_CUBIC, GELU_SLOPE } from "./differentiable.ts";
import { FUSED_KERNELS } from "./fused.ts";
import { gradientError } from "./gradients.contract.ts";
import { leakCheck } from "./leaks.contract.ts";
import { openEngine } from "./open.ts";
import { createTensorflowTrainer } from "./tensorflow-trainer.ts";
import { geluProgram } from "./webgpu-fused-programs.ts";
import { kernelCases } from "./webgpu-kernel-cases.contract.ts";

const open = (model: LanguageModel, adapter: AdapterShape) =>
  createTensorflowTrainer("webgpu", model, adapter, {});

serveLab({
  describe: async () => (await openEngine("webgpu", {})).description,

  check: (name: string) => {
    const check = [...trainerChecks, leakCheck].find((candidate) => candidate.name === name);
    if (!check) throw new Error(`expected a check, got ${name}`);
    return check.check(open);
  },

  gradientError: async (position: number) => {
    const engine = await openEngine("webgpu", {});
    return engine.run(() => gradientError(cases[position] as PytorchCase));
  },

  /** Largest error of each of our programs against sums in double precision, outputs poisoned beforehand. */
  kernelErrors: async () => {
    await (await openEngine("webgpu", {})).run(async () => undefined);
    const errors: Record<string, number> = {};
    for (const [name, run] of kernelCases()) errors[name] = await run();
    return errors;
  },

  /** Products of a tensor that was cast from integers, whose buffer still holds integers. */
  castProduct: async () => {
    const engine = await openEngine("webgpu", {});
    const multiply = () => {
      const float = (size: number) => tf.ones([size, size]) as tf.Tensor2D;
      const cast = tf.cast(tf.tensor2d([1, 2, 3, 4], [2, 2], "int32"), "float32");
      // Products of floats of the same sizes first, so that the program is known already.
      return tf.add(tf.mul(tf.matMul(float(2), float(2)), 0), tf.matMul(cast, float(2)));
    };
    return [...(await engine.run(() => engine.read(tf.tidy(multiply))))];
  },

  /** Pipelines compiled by each of: the warm-up, a round at its own rate, rounds at other rates. */
  pipelinesPerRound: async () => {
    const { shape, dataset } = cases[0] as PytorchCase;
    const { model } = await import("../../trainer/pytorch.contract.ts");
    const trainer = await open(model, shape);
    const { device } = tf.backend() as WebGPUBackend;
    let compiled = 0;
    let mapped = 0;
    const compile = device.createComputePipeline.bind(device);
    device.createComputePipeline = (descriptor) => {
      compiled++;
      return compile(descriptor);
    };
    const map = GPUBuffer.prototype.mapAsync;
    GPUBuffer.prototype.mapAsync = function (...values) {
      mapped++;
      return map.apply(this, values);
    };
    const training = {
      localSteps: 3,
      batchSize: 2,
      learningRate: 1e-3,
      weightDecay: 0,
      rescale: "inverted",
    } as const;
    const counts: { pipelines: number; readbacks: number }[] = [];
    const count = async (work: () => Promise<unknown>): Promise<void> => {
      [compiled, mapped] = [0, 0];
      await work();
      counts.push({ pipelines: compiled, readbacks: mapped });
    };
    await count(() => trainer.warmUp(dataset, training));
    for (const dropoutRate of [0.5, 0, 0.3, 0.71, 0.9])
      await count(() => {
        const key = { seed: "compile", round: 1, participantId: "a", dropoutRate };
        const mask = drawDropoutMask(shape, key);
        const values = gatherValues(initialAdapter(shape, "compile"), keptIndices(shape, mask));
        return trainer.trainRound({ mask, dropoutRate, values, training, batchSeed: "a" }, dataset);
      });
    GPUBuffer.prototype.mapAsync = map;
    trainer.dispose();
    return counts;
  },

  /** Replaces a kernel by one with an invalid shader; returns how a round then ends. */
  brokenShader: async () => {
    const from = cases[0] as PytorchCase;
    const { model } = await import("../../trainer/pytorch.contract.ts");
    const trainer = await open(model, from.shape);
    const backend = tf.backend() as WebGPUBackend;
    const stock = tf.getKernel(FUSED_KERNELS.gelu, "webgpu");
    tf.unregisterKernel(stock.kernelName, "webgpu");
    tf.registerKernel({
      ...stock,
      kernelFunc: (({ inputs }: Parameters<tf.KernelFunc>[0]) => {
        const x = inputs.x as tf.TensorInfo;
        const size = tf.util.sizeFromShape(x.shape);
        const { program, uniforms } = geluProgram(size, GELU_SLOPE, GELU_CUBIC);
        const broken = {
          ...program,
          shaderKey: "broken",
          getUserCode: () => "fn main(index : i32) { result[index] = noSuchName; }",
        };
        const data = uniforms.map((value) => ({ type: "int32", data: [value] }));
        const flat = { ...x, shape: [size] };
        return { ...backend.runWebGPUProgram(broken, [flat], "float32", data), shape: x.shape };
      }) as unknown as tf.KernelFunc,
    });
    const training = {
      localSteps: 2,
      batchSize: 2,
      learningRate: 1e-3,
      weightDecay: 0,
      rescale: "inverted",
    } as const;
    return trainer.warmUp(from.dataset, training).then(
      () => "the warm-up succeeded",
      (error: unknown) => String(error),
    );
  },

  /** Destroys the device during a round; returns how the round and the next call end. */
  lostDevice: async () => {
    const from = cases[0] as PytorchCase;
    const { model } = await import("../../trainer/pytorch.contract.ts");
    const trainer = await open(model, from.shape);
    const { device } = tf.backend() as WebGPUBackend;
    const training = {
      localSteps: 50,
      batchSize: 2,
      learningRate: 1e-3,
      weightDecay: 0,
      rescale: "inverted",
    } as const;
    const { mask, dropoutRate, values } = from;
    const ending = (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => "it succeeded",
        (error: unknown) => String(error),
      );
    const round = ending(
      trainer.trainRound(
        { mask, dropoutRate, values, training, batchSeed: "a" },
        from.dataset,
        ({ step }) => step === 2 && device.destroy(),
      ),
    );
    return [await round, await ending(trainer.evaluate(from.dataset))];
  },
});
