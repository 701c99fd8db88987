/** Rotary frequencies in radians per position, one a pair of channels, with the scalings for long contexts that models use. */
import type { Settings } from "./settings.ts";

/**
 * θ^(−2i/channels), scaled as `rope_scaling` says. Source: RoFormer (Su et al., arXiv 2104.09864); `linear`: position
 * interpolation (Chen et al., arXiv 2306.15595); `llama3`: meta-llama/llama-models, apply_scaling. `dynamic` changes
 * nothing within the model's own context, which is as far as this package reads.
 */
export function rotaryFrequencies(channels: number, theta: number, scaling: Settings | null): Float32Array {
  const plain = Array.from({ length: channels / 2 }, (_, i) => theta ** ((-2 * i) / channels));
  return Float32Array.from(plain, scaling === null ? (frequency) => frequency : scaler(scaling));
}

const KINDS = { default: "plain", dynamic: "plain", linear: "linear", llama3: "llama3" } as const;

function scaler(scaling: Settings): (frequency: number) => number {
  // `type` is the older name of `rope_type`.
  const kind = scaling.choice<(typeof KINDS)[keyof typeof KINDS]>(
    scaling.get("rope_type") === undefined && scaling.get("type") !== undefined ? "type" : "rope_type",
    KINDS,
    "default",
  );
  if (kind === "plain") return (frequency) => frequency;
  const factor = scaling.positive("factor");
  if (kind === "linear") return (frequency) => frequency / factor;
  const low = scaling.positive("low_freq_factor");
  const high = scaling.positive("high_freq_factor");
  const context = scaling.positiveInteger("original_max_position_embeddings");
  return (frequency) => {
    const turns = (context * frequency) / (2 * Math.PI); // within the context that the model was first trained on
    const share = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return (1 - share) * (frequency / factor) + share * frequency;
  };
}
