/** Generation with a key/value cache: the prompt in one pass, then one token a run. */
import type { AdapterPlacement } from "../adapter/placement.ts";
import type { Architecture } from "../models/architecture.ts";
import type { BufferId } from "../ops/buffer.ts";
import { PlanBuilder } from "../plan/builder.ts";
import type { Execution, Plan } from "../plan/engine.ts";
import { gatherRows } from "../plan/layers.ts";
import { Network } from "../plan/network.ts";

export interface GenerationPlan {
  readonly plan: Plan;
  readonly prompt: TokenInputs & { readonly last: BufferId };
  readonly token: TokenInputs;
  readonly logits: BufferId; // f32 [V]
  readonly adapter: { readonly values: BufferId; readonly indices: BufferId } | null;
  /** Tokens of a prompt, and all tokens that the cache holds. */
  readonly promptRows: number;
  readonly capacity: number;
}

interface TokenInputs {
  readonly ids: BufferId; // i32 [rows]
  readonly positions: BufferId; // i32 [rows]
}

/** Two segments over one cache: "prompt", of `promptRows` tokens, and "token", of one. */
export function planGeneration(
  model: Architecture,
  promptRows: number,
  capacity: number,
  placement: AdapterPlacement | null,
): GenerationPlan {
  const { head } = model;
  if (head === null)
    throw new Error("model: has no output matrix, so it classifies texts and predicts no next tokens");
  const plan = new PlanBuilder();
  const caches = new Map<string, BufferId>();
  const cacheOf = (name: string, width: number): BufferId => {
    const buffer = caches.get(name) ?? plan.buffer("state", name, capacity * width);
    caches.set(name, buffer);
    return buffer;
  };
  const adapter = placement && {
    placement,
    values: plan.buffer("state", "values", placement.valueCount),
    indices: plan.buffer("input", "kept indices", placement.indexCount, "i32"),
    gradient: null,
  };
  const logits = plan.buffer("output", "logits", model.vocabularySize);
  const segment = (name: string, rows: number): TokenInputs & { readonly last: BufferId } => {
    plan.begin(name);
    const ids = plan.buffer("input", `${name} ids`, rows, "i32");
    const positions = plan.buffer("input", `${name} positions`, rows, "i32");
    const last = plan.buffer("input", `${name} last row`, 1, "i32");
    const net = new Network(plan, {
      tokens: {
        ...{ kind: "cached", rows, capacity },
        cache: (layer, width) => ({
          keys: cacheOf(`keys ${layer}`, width),
          values: cacheOf(`values ${layer}`, width),
        }),
      },
      ...{ ids, positions, adapter, recomputedBlocks: 0 },
    });
    const hidden = model.forward(net);
    const row = rows === 1 ? hidden : gatherRows(net, hidden, last, 1);
    plan.emit({
      ...{ kind: "linear", x: row.buffer, weight: head, bias: null, residual: null, out: logits },
      ...{ rows: 1, inFeatures: model.width, outFeatures: model.vocabularySize },
    });
    return { ids, positions, last };
  };
  const [prompt, token] = [segment("prompt", promptRows), segment("token", 1)];
  return { plan: plan.build(), prompt, token, logits, adapter, promptRows, capacity };
}

/** Logits of the token after `prompt`. Rows beyond it are filled up; no later query sees them before they are written
 *  over. */
export async function readPrompt(
  execution: Execution,
  { prompt: { ids, positions, last }, promptRows, logits }: GenerationPlan,
  prompt: readonly number[],
): Promise<Float32Array> {
  const padded = new Int32Array(promptRows);
  padded.set(prompt);
  execution.write(ids, padded);
  execution.write(
    positions,
    Int32Array.from({ length: promptRows }, (_, i) => i),
  );
  execution.write(last, Int32Array.of(prompt.length - 1));
  const [values] = await execution.run("prompt", [logits]);
  return values as Float32Array;
}

/** Logits of the token after `id`, which stands at `position`. */
export async function readToken(
  execution: Execution,
  { token: { ids, positions }, logits }: GenerationPlan,
  id: number,
  position: number,
): Promise<Float32Array> {
  execution.write(ids, Int32Array.of(id));
  execution.write(positions, Int32Array.of(position));
  const [values] = await execution.run("token", [logits]);
  return values as Float32Array;
}
