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
  const secondFrom = target.kind === "next-tokens" ? null : target.secondFrom;
  execution.write(
    plan.positions,
    ids.map((_, row) => {
      const [sequence, position] = [Math.floor(row / length), row % length];
      return positionOf(position, secondFrom && position >= (secondFrom[sequence] as number) ? 1 : 0);
    }),
  );
  const { targets, weights } = objectiveOf(target);
  execution.write(plan.targets, targets);
  execution.write(plan.weights, weights);
  if (target.kind === "next-tokens") return;
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

/** What is to come out, and the mean over all of it that is learnt. A regression adds what it estimates to minus its target. */
function objectiveOf(target: Batch["target"]) {
  const evenly = (count: number): Float32Array => new Float32Array(count).fill(1 / count);
  switch (target.kind) {
    case "next-tokens": {
      const learnt = target.ids.reduce((count, id) => count + (id < 0 ? 0 : 1), 0);
      return {
        targets: target.ids,
        weights: Float32Array.from(target.ids, (id) => (id < 0 ? 0 : 1 / learnt)),
      };
    }
    case "labels":
      return { targets: target.labels, weights: evenly(target.labels.length) };
    case "values":
      return { targets: target.values.map((value) => -value), weights: evenly(target.values.length) };
    default:
      return target satisfies never;
  }
}
