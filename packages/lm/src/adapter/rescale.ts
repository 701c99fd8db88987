/** Factor on the masked product: `inverted` is g = 1/(1−γ)², so that in expectation it equals the full adapter's,
 *  because each factor is kept with probability 1−γ. Source: FedLoDrop, local tuning; LoRA Dropout's inverted form. */
export type Rescale = "inverted" | "none";

/** g. */
export function rescaleFactor(rescale: Rescale, dropoutRate: number): number {
  switch (rescale) {
    case "inverted":
      return 1 / (1 - dropoutRate) ** 2;
    case "none":
      return 1;
    default:
      return rescale satisfies never;
  }
}
