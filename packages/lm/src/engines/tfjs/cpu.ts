/** tfjs's plain JavaScript backend: slow, runs everywhere, the oracle that the other engines are tested against. */
import * as tf from "@tensorflow/tfjs";
import type { Engine } from "./engine.ts";

export async function openCpu(): Promise<Engine> {
  return {
    description: { backend: "cpu", device: "JavaScript", kernels: [] },
    run: async (work) => {
      await tf.setBackend("cpu");
      return work();
    },
    read: async (tensor) => {
      const values = Float32Array.from(tensor.dataSync());
      tensor.dispose();
      return values;
    },
  };
}
