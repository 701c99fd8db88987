/** A tfjs backend made ready for training: its kernels chosen, its failures loud. */

import type * as tf from "@tensorflow/tfjs";
import type { EngineDescription } from "../../trainer/engine-description.ts";

export interface Engine {
  readonly description: EngineDescription;
  /** Runs work whose operations belong to this backend; rejects as soon as the device fails. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Reads a tensor back and disposes it; within `run`. */
  read(tensor: tf.Tensor): Promise<Float32Array>;
}
