import type { Batch } from "../data/batches.ts";
import type { Execution } from "../plan/engine.ts";
import type { StepPlan } from "./step-plan.ts";

/** A batch into a step's inputs: tokens, their positions, targets, and weights that make the objective their mean. */
export function writeBatch(execution: Execution, plan: StepPlan, { ids, length, target }: Batch): void {
  execution.write(plan.ids, ids);
  execution.write(
    plan.positions,
    ids.map((_, row) => row % length),
  );
  const targets = target.kind === "next-tokens" ? target.ids : target.labels;
  execution.write(plan.targets, targets);
  execution.write(plan.weights, new Float32Array(targets.length).fill(1 / targets.length));
  if (target.kind === "labels" && plan.lastRows !== null)
    execution.write(
      plan.lastRows,
      target.lastPositions.map((position, row) => row * length + position),
    );
}
