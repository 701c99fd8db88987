/** The choices of form that a plan depends on: nothing else is measured for it. */
import type { KernelCall } from "../../plan/kernel.ts";
import type { BaseType } from "../../plan/weight.ts";
import type { Purpose } from "./variants.ts";

/** One choice: a purpose, for products with weights of one base type. */
export type ProbeKey = `${Exclude<Purpose, ProductPurpose>}` | `${ProductPurpose} ${BaseType}`;
type ProductPurpose = "product" | "transposedProduct";

/** The choices that a plan's calls depend on. @param baseOf the base type of a weight */
export function probeKeys(
  calls: Iterable<KernelCall>,
  baseOf: (weight: string) => BaseType,
): ReadonlySet<ProbeKey> {
  const keys = new Set<ProbeKey>();
  for (const call of calls)
    switch (call.kind) {
      case "linear":
        keys.add(`product ${baseOf(call.weight)}`);
        break;
      case "linear-backward":
        keys.add(`transposedProduct ${baseOf(call.weight)}`);
        break;
      case "cross-entropy":
        keys.add(`product ${baseOf(call.head)}`).add("lossRows");
        if (call.dHidden !== null) keys.add(`transposedProduct ${baseOf(call.head)}`);
        break;
      case "logit-cross-entropy":
        keys.add("lossRows");
        break;
      case "layer-norm":
      case "layer-norm-backward":
      case "rms-norm":
      case "rms-norm-backward":
        keys.add("normRows");
        break;
      case "attention":
        keys.add("attention");
        break;
      case "attention-backward":
        keys.add("attentionBackward");
        break;
      case "lora-down":
        keys.add("loraDown");
        break;
      case "lora-gradient":
        keys.add("loraGradient");
        break;
    }
  return keys;
}
