/**
 * Adapters as PEFT has them: adapter_config.json beside adapter_model.safetensors, whose names are the whole model's under
 * `base_model.model.`. Shapes are ours already: lora_A [rank, in], lora_B [out, rank], heads as torch has them.
 * Source: huggingface/peft 0.15, save_pretrained.
 */
import { type AdapterShape, adapterLayout, adapterSize } from "@fedlodrop/run";
import { architectureOf } from "../models/architecture.ts";
import { SCORE } from "../models/classifier.ts";
import type { ModelConfig } from "../models/config.ts";
import type { NamedTensor, TensorMap } from "../models/named-tensor.ts";
import { adapterShape, labelsOf } from "./lora.ts";
import { targetsOf } from "./targets.ts";

export interface PeftAdapter {
  /** adapter_config.json. */
  readonly config: object;
  /** adapter_model.safetensors. */
  readonly tensors: TensorMap;
}

const ROOT = "base_model.model.";

/** @param baseModel what PEFT is to load below it: a hub name or a folder */
export function adapterToPeft(
  config: ModelConfig,
  shape: AdapterShape,
  adapter: Float32Array,
  baseModel: string | null,
): PeftAdapter {
  if (adapter.length !== adapterSize(shape))
    throw new Error(`peft: expected ${adapterSize(shape)} adapter values, got ${adapter.length}`);
  const { prefix, modules } = architectureOf(config);
  const chosen = new Set(shape.modules.map(({ name }) => name));
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape: extents, offset, size } of adapterLayout(shape))
    tensors.set(peftName(name, prefix), { shape: extents, values: adapter.subarray(offset, offset + size) });
  const heads = headModules(shape);
  return {
    config: {
      peft_type: "LORA",
      task_type: heads.length > 0 ? "SEQ_CLS" : "CAUSAL_LM",
      base_model_name_or_path: baseModel,
      r: shape.rank,
      lora_alpha: shape.alpha,
      target_modules: targetsOf(modules, [...chosen]).map((name) =>
        chosen.has(name) ? prefix + name : name,
      ),
      // GPT-2's Conv1D holds W the other way round.
      fan_in_fan_out: config.kind === "gpt2",
      modules_to_save: heads.length > 0 ? heads : null,
      bias: "none",
      lora_dropout: 0,
      inference_mode: true,
      init_lora_weights: true,
      use_rslora: false,
      use_dora: false,
      rank_pattern: {},
      alpha_pattern: {},
    },
    tensors,
  };
}

/** `h.0.attn.c_attn.loraA` → `base_model.model.transformer.h.0.attn.c_attn.lora_A.weight`; a head's names stay. */
function peftName(name: string, prefix: string): string {
  const factor = /^(.*)\.lora([AB])$/.exec(name);
  if (factor) return `${ROOT}${prefix}${factor[1]}.lora_${factor[2]}.weight`;
  return `${ROOT}${name === SCORE ? `${SCORE}.weight` : name}`;
}

/** Names of the heads' modules: `score`, or `pre_classifier` and `classifier`. */
function headModules({ dense }: AdapterShape): readonly string[] {
  return [...new Set(dense.map(({ name }) => name.split(".")[0] as string))];
}

/**
 * A PEFT adapter for this model.
 * @throws one line naming the setting or the tensor, when it changes the model in a way that ours does not
 */
export function adapterFromPeft(
  config: ModelConfig,
  json: unknown,
  tensors: TensorMap,
): {
  readonly shape: AdapterShape;
  readonly targetModules: readonly string[];
  readonly adapter: Float32Array;
} {
  const { rank, alpha } = readPeftConfig(json);
  const architecture = architectureOf(config);
  const { prefix, modules } = architecture;
  const bare = new Map([...tensors].map(([name, tensor]) => [name.replace(ROOT, ""), tensor]));
  const find = (name: string): NamedTensor | undefined => {
    const spelt = peftName(name, prefix).slice(ROOT.length);
    return bare.get(spelt) ?? bare.get(spelt.replace(prefix, ""));
  };
  const chosen = modules.filter(({ name }) => find(`${name}.loraA`)).map(({ name }) => name);
  const outermost = architecture.classifier.parameters(2).at(-1)?.name as string;
  const labels = find(outermost)?.shape[0];
  const targetModules = targetsOf(modules, chosen);
  const options = { rank, alpha, targetModules };
  const shape = adapterShape(config, labels === undefined ? options : { ...options, labels });
  const adapter = new Float32Array(adapterSize(shape));
  const layout = adapterLayout(shape);
  for (const { name, shape: extents, offset } of layout) {
    const tensor = find(name);
    if (tensor?.shape.join() !== extents.join())
      throw new Error(
        `adapter_model.safetensors: expected ${peftName(name, prefix)} of shape [${extents}], got ${tensor ? `[${tensor.shape}]` : "none"}`,
      );
    adapter.set(tensor.values, offset);
  }
  if (tensors.size !== layout.length) {
    const known = new Set(layout.map(({ name }) => find(name)));
    const [unknown] = [...tensors].find(([, tensor]) => !known.has(tensor)) ?? [];
    throw new Error(
      `adapter_model.safetensors: expected LoRA factors of this model${labelsOf(shape) === null ? "" : " and its head"} alone, got ${unknown}`,
    );
  }
  return { shape, targetModules, adapter };
}

/** Settings that must be what they are when they are absent. */
const PLAIN: readonly (readonly [name: string, values: readonly unknown[]])[] = [
  ["peft_type", ["LORA"]],
  ["use_dora", [false, undefined]],
  ["bias", ["none", undefined]],
  ["lora_bias", [false, undefined]],
];

function readPeftConfig(json: unknown): { readonly rank: number; readonly alpha: number } {
  const file = (typeof json === "object" && json !== null ? json : {}) as Readonly<Record<string, unknown>>;
  const fail = (name: string, expected: string): never => {
    throw new Error(`adapter_config.json: expected ${name} ${expected}, got ${JSON.stringify(file[name])}`);
  };
  for (const [name, values] of PLAIN)
    if (!values.includes(file[name] ?? undefined)) fail(name, `to be ${JSON.stringify(values[0])}`);
  for (const name of ["rank_pattern", "alpha_pattern"])
    if (Object.keys(file[name] ?? {}).length > 0)
      fail(name, "to be empty, for one rank serves all modules here");
  const { r: rank, lora_alpha: alpha } = file;
  if (typeof rank !== "number" || !Number.isInteger(rank) || rank < 1)
    return fail("r", "to be a positive integer");
  if (typeof alpha !== "number" || !(alpha > 0)) return fail("lora_alpha", "above 0");
  // rsLoRA scales by α/√r (Kalajdzievski, arXiv 2312.03732); ours divides by r.
  return { rank, alpha: file.use_rslora === true ? alpha * Math.sqrt(rank) : alpha };
}
