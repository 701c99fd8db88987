/** Plans of a training step and of an evaluation: a batch of whole sequences, forward and, for training, backward. */
import type { AdapterPlacement } from "../adapter/placement.ts";
import type { Architecture } from "../models/architecture.ts";
import type { BufferId } from "../ops/buffer.ts";
import { PlanBuilder } from "../plan/builder.ts";
import type { Plan } from "../plan/engine.ts";
import { gatherRows } from "../plan/layers.ts";
import { Network, type Value } from "../plan/network.ts";
import { BETA1, BETA2, EPSILON } from "./adamw.ts";

export interface StepShape {
  readonly batch: number;
  readonly length: number;
  /** What is predicted: the next token everywhere, one of `labels` classes of each sequence, or with 1 a number. */
  readonly labels: number | null;
  readonly placement: AdapterPlacement | null;
  /** `train` has the backward pass and AdamW, `gradient` the backward pass alone, `evaluate` neither. */
  readonly purpose: "train" | "gradient" | "evaluate";
}

/** The plan and the places that the host writes and reads. Targets and losses: one a token, or one a sequence. */
export interface StepPlan {
  readonly plan: Plan;
  readonly recomputedBlocks: number;
  readonly ids: BufferId; // i32 [B·T]
  readonly positions: BufferId; // i32 [B·T]
  /** i32 [B], real tokens of each sequence; null where causality hides what comes after them. */
  readonly lengths: BufferId | null;
  /** i32 [B], the token of each sequence that the classifier reads; null for next tokens. */
  readonly classifiedRows: BufferId | null;
  readonly targets: BufferId; // i32; minus the numbers that are to be estimated, f32
  readonly weights: BufferId; // f32, of each target's loss in the objective
  readonly losses: BufferId; // f32
  readonly logits: BufferId | null; // f32 [B, labels]
  readonly adapter: { readonly values: BufferId; readonly indices: BufferId } | null;
  readonly gradient: BufferId | null;
  /** AdamW's moments and settings. */
  readonly optimizer: {
    readonly mean: BufferId;
    readonly variance: BufferId;
    readonly settings: BufferId;
  } | null;
  /** f32 [2]: weighted sum of the losses, norm of the gradient. */
  readonly report: BufferId;
}

/** The name of its only segment. */
export const STEP = "step";

export function planStep(model: Architecture, shape: StepShape, recomputedBlocks = 0): StepPlan {
  const { batch, length, labels, placement, purpose } = shape;
  const plan = new PlanBuilder();
  const rows = batch * length;
  const targetCount = labels === null ? rows : batch;
  const ids = plan.buffer("input", "ids", rows, "i32");
  const positions = plan.buffer("input", "positions", rows, "i32");
  const lengths = model.isBidirectional ? plan.buffer("input", "lengths", batch, "i32") : null;
  const classifiedRows = labels === null ? null : plan.buffer("input", "classified rows", batch, "i32");
  const isRegression = labels === 1;
  const targets = plan.buffer("input", "targets", targetCount, isRegression ? "f32" : "i32");
  const weights = plan.buffer("input", "weights", targetCount);
  const losses = plan.buffer("output", "losses", targetCount);
  const report = plan.buffer("output", "report", 2);
  const size = placement?.valueCount ?? 0;
  const trains = purpose !== "evaluate";
  const gradient = trains ? plan.buffer("state", "gradient", size) : null;
  const adapter = placement && {
    placement,
    values: plan.buffer("state", "values", size),
    indices: plan.buffer("input", "kept indices", placement.indexCount, "i32"),
    gradient,
  };

  const net = new Network(plan, {
    tokens: { kind: "sequences", batch, length, lengths },
    ...{ ids, positions, adapter, recomputedBlocks },
  });
  plan.begin(STEP);
  const hidden = model.forward(net);
  let logits: BufferId | null = null;
  let [out, dOut]: [Value, BufferId | null] = [hidden, null];
  if (labels === null || classifiedRows === null) {
    const { head } = model;
    if (head === null)
      throw new Error("model: has no output matrix, so it classifies texts and predicts no next tokens");
    dOut = gradient === null ? null : plan.activation("dHidden", rows * model.width);
    plan.emit({
      ...{ kind: "cross-entropy", hidden: hidden.buffer, head, targets, weights, loss: losses },
      ...{ dHidden: dOut, rows, width: model.width, vocabulary: model.vocabularySize },
    });
  } else {
    logits = plan.buffer("output", "logits", batch * labels);
    out = model.classifier.emit(net, gatherRows(net, hidden, classifiedRows, batch), logits, labels);
    dOut = gradient === null ? null : plan.activation("dLogits", batch * labels);
    if (isRegression) {
      // loss = (z − t)², whose gradient in z is its slope times the weight of its row.
      const [error, size] = [plan.activation("error", batch), batch];
      plan.emit({ kind: "add", a: logits, b: targets, out: error, size });
      plan.emit({ kind: "activation", function: "square", x: error, out: losses, size });
      if (dOut !== null)
        plan.emit({ kind: "activation-backward", function: "square", x: error, dy: weights, dx: dOut, size });
    } else
      plan.emit({
        ...{ kind: "logit-cross-entropy", logits, targets, weights, loss: losses },
        ...{ dLogits: dOut, rows: batch, classes: labels },
      });
  }
  const weighted = { buffer: report, offset: 0 };
  plan.emit({ kind: "dot", a: losses, b: weights, out: weighted, size: targetCount });
  if (dOut !== null) net.backward(out, dOut);

  let optimizer: StepPlan["optimizer"] = null;
  if (gradient !== null && adapter !== null) {
    plan.emit({ kind: "norm", x: gradient, out: { buffer: report, offset: 1 }, size });
    if (purpose === "train") {
      optimizer = {
        mean: plan.buffer("state", "mean", size),
        variance: plan.buffer("state", "variance", size),
        settings: plan.buffer("input", "settings", 4),
      };
      plan.emit({
        ...{ kind: "adamw", values: adapter.values, gradient, ...optimizer },
        ...{ beta1: BETA1, beta2: BETA2, epsilon: EPSILON, size },
      });
    }
  }
  return {
    plan: plan.build(),
    recomputedBlocks,
    ...{
      ids,
      positions,
      lengths,
      classifiedRows,
      targets,
      weights,
      losses,
      logits,
      adapter,
      gradient,
      optimizer,
      report,
    },
  };
}
