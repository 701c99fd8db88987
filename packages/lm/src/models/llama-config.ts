/** Settings of Llama and of its relatives, which differ in biases, head norms and attention windows alone. */
import type { CommonConfig, ReadCommon } from "./config.ts";
import { rotaryFrequencies } from "./rotary-frequencies.ts";
import type { Settings } from "./settings.ts";

export interface LlamaConfig extends CommonConfig {
  readonly kind: "llama";
  /** Queries and keys of qwen3 are normed head by head before they turn. */
  readonly family: "llama" | "mistral" | "qwen2" | "qwen3";
  readonly headCount: number;
  readonly keyValueHeads: number;
  readonly headWidth: number;
  readonly innerWidth: number;
  readonly epsilon: number;
  readonly biases: {
    /** Of query, key and value. */
    readonly inputs: boolean;
    readonly output: boolean;
    readonly mlp: boolean;
  };
  /** Tokens that each layer's attention reaches back, the token itself counted. */
  readonly windows: readonly number[];
  /** Radians per position, one a pair of channels. */
  readonly frequencies: Float32Array;
}

export function readLlamaConfig(settings: Settings, readCommon: ReadCommon): LlamaConfig {
  const family = settings.get("model_type") as LlamaConfig["family"];
  settings.expect("hidden_act", ["silu"], "silu");
  const common = readCommon({ isTiedByDefault: false });
  const maxPositions = settings.positiveInteger("max_position_embeddings");
  const heads = readHeads(settings, common.width, family === "qwen3" ? 128 : undefined);
  const hasAttentionBias = settings.flag("attention_bias", false);
  return {
    kind: "llama",
    family,
    ...common,
    maxPositions,
    ...heads,
    innerWidth: settings.positiveInteger("intermediate_size"),
    epsilon: settings.positive("rms_norm_eps", 1e-6),
    biases: {
      // Qwen2 has them without saying so.
      inputs: family === "qwen2" || hasAttentionBias,
      output: hasAttentionBias,
      mlp: settings.flag("mlp_bias", false),
    },
    windows: readWindows(settings, family, common.layerCount, maxPositions),
    frequencies: readFrequencies(settings, heads.headWidth),
  };
}

/** @param absentHeadWidth what a head's width is where the file does not say; width / heads unless given */
export function readHeads(settings: Settings, width: number, absentHeadWidth?: number) {
  const headCount = settings.positiveInteger("num_attention_heads");
  const keyValueHeads = settings.positiveInteger("num_key_value_heads", headCount);
  if (headCount % keyValueHeads !== 0)
    settings.fail("num_key_value_heads", `to divide num_attention_heads ${headCount}`);
  if (absentHeadWidth === undefined && settings.get("head_dim") === undefined && width % headCount !== 0)
    settings.fail("num_attention_heads", `to divide hidden_size ${width}`);
  const headWidth = settings.positiveInteger("head_dim", absentHeadWidth ?? width / headCount);
  if (headWidth % 2 !== 0) settings.fail("head_dim", "to be even");
  return { headCount, keyValueHeads, headWidth };
}

function readFrequencies(settings: Settings, headWidth: number): Float32Array {
  // Newer files put theta and scaling into one object.
  const together = settings.inner("rope_parameters");
  const theta = (together ?? settings).positive("rope_theta", 10_000);
  settings.expect("partial_rotary_factor", [1], 1);
  return rotaryFrequencies(headWidth, theta, together ?? settings.inner("rope_scaling"));
}

function readWindows(
  settings: Settings,
  family: LlamaConfig["family"],
  layerCount: number,
  maxPositions: number,
): readonly number[] {
  const everywhere = new Array<number>(layerCount).fill(maxPositions);
  if (family === "llama") return everywhere;
  if (family === "mistral") {
    // Absent is the family's default, null is none.
    if (settings.isNull("sliding_window")) return everywhere;
    return everywhere.fill(settings.positiveInteger("sliding_window", 4096));
  }
  const kinds = readLayerKinds(settings, layerCount);
  if (kinds === null && !settings.flag("use_sliding_window", false)) return everywhere;
  const firstWindowed = kinds === null ? settings.wholeNumber("max_window_layers", 28) : 0;
  return everywhere.map((all, layer) => {
    const isWindowed = kinds === null ? layer >= firstWindowed : kinds[layer] === "sliding_attention";
    return isWindowed ? settings.positiveInteger("sliding_window", 4096) : all;
  });
}

const LAYER_KINDS = ["full_attention", "sliding_attention"] as const;

/** Which layers have a window, where the file says so layer by layer. */
export function readLayerKinds(
  settings: Settings,
  layerCount: number,
): readonly (typeof LAYER_KINDS)[number][] | null {
  const kinds = settings.get("layer_types");
  if (kinds === undefined) return null;
  if (!Array.isArray(kinds) || kinds.length !== layerCount || !kinds.every((k) => LAYER_KINDS.includes(k)))
    settings.fail("layer_types", `to be ${layerCount} of ${LAYER_KINDS.join(", ")}`);
  return kinds;
}
