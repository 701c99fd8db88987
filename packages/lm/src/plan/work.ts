/** What calls cost: for schedules, and to say beforehand how long a device will take. */
import type { KernelCall } from "./kernel.ts";

/** Multiply-adds of a call's products with frozen matrices, which are nearly all that there is to do. */
export function products(call: KernelCall): number {
  switch (call.kind) {
    case "linear":
    case "linear-backward":
      return call.rows * call.inFeatures * call.outFeatures;
    case "cross-entropy":
      return call.rows * call.width * call.vocabulary;
    default:
      return 0;
  }
}
