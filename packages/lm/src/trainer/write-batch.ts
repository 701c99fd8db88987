import type { Batch } from "../data/batches.ts";
import type { Architecture } from "../models/architecture.ts";
import type { Execution } from "../plan/engine.ts";
import type { StepPlan } from "./step-plan.ts";

/** A batch into a step's inputs: tokens, their positions, targets, and weights that make the objective their mean. */
export function writeBatch(
  execution: Execution,
  plan: StepPlan,
  { ids, length, target }: Batch,
  { positionOf, classifier }: Pick<Architecture, "positionOf" | "classifier">,
): void {
  execution.write(plan.ids, ids);
  execution.write(
    plan.positions,
    ids.map((_, row) => positionOf(row % length, 0)),
  );
  const targets = target.kind === "next-tokens" ? target.ids : target.labels;
  execution.write(plan.targets, targets);
  execution.write(plan.weights, new Float32Array(targets.length).fill(1 / targets.length));
  if (target.kind !== "labels") return;
  if (plan.lengths !== null)
    execution.write(
      plan.lengths,
      target.lastPositions.map((position) => position + 1),
    );
  if (plan.classifiedRows !== null)
    execution.write(
      plan.classifiedRows,
      target.lastPositions.map((last, row) => row * length + (classifier.token === "last" ? last : 0)),
    );
}
