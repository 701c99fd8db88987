/** Whether a plan fits, before any of it is allocated; where it does not, what would. */
import type { Engine, Plan } from "../plan/engine.ts";
import type { StepPlan, StepShape } from "./step-plan.ts";

/**
 * The plan with the fewest blocks computed twice that fits beside the weights.
 * @param make plans a shape with some blocks recomputed
 * @throws one line with the bytes needed and available, and which smaller batch or length would fit
 */
export function fittingPlan(
  engine: Engine,
  weightBytes: number,
  blockCount: number,
  shape: StepShape,
  make: (shape: StepShape, recomputedBlocks: number) => StepPlan,
): StepPlan {
  const { availableBytes, largestBufferBytes } = engine.capabilities;
  const kept = make(shape, 0);
  const room = (availableBytes ?? Number.POSITIVE_INFINITY) - weightBytes;
  const mostInOne = largestBufferBytes ?? Number.POSITIVE_INFINITY;
  const fits = ({ plan }: StepPlan): boolean => plan.totalBytes <= room && largestBytes(plan) <= mostInOne;
  if (fits(kept)) return kept;
  const recomputes = shape.purpose !== "evaluate";
  const smallest = make(shape, recomputes ? blockCount : 0);
  if (fits(smallest)) {
    const blocks = leastTrue(1, blockCount, (count) => fits(make(shape, count)));
    return make(shape, blocks);
  }
  const { batch, length } = shape;
  const fitsAs = (change: Partial<StepShape>): boolean =>
    fits(make({ ...shape, ...change }, recomputes ? blockCount : 0));
  const fewer = batch - leastTrue(1, batch, (less) => less === batch || fitsAs({ batch: batch - less }));
  const shorter =
    length - leastTrue(1, length, (less) => less === length || fitsAs({ length: length - less }));
  const advice = [
    ...(fewer > 0 ? [`a batch of ${fewer}`] : []),
    ...(shorter > 0 ? [`sequences of ${shorter} tokens`] : []),
  ];
  const tooMuch =
    smallest.plan.totalBytes > room
      ? `${inBytes(smallest.plan.totalBytes)} beside ${inBytes(weightBytes)} of weights, ${inBytes(availableBytes as number)} are available`
      : `a buffer of ${inBytes(largestBytes(smallest.plan))}, the device's may have ${inBytes(mostInOne)}`;
  throw new Error(
    `memory: a batch of ${batch} × ${length} tokens needs ${tooMuch}; ${advice.length > 0 ? `${advice.join(" or ")} would fit` : "no batch would fit"}`,
  );
}

/** Of the largest piece of memory that a plan asks for at once. */
function largestBytes({ buffers, slotBytes }: Plan): number {
  return buffers.reduce(
    (most, { slot, size }) => (slot === null ? Math.max(most, 4 * size) : most),
    Math.max(0, ...slotBytes),
  );
}

/** The least integer in [low, high] with `holds`, which holds from some point on and at `high`. */
function leastTrue(low: number, high: number, holds: (value: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

export function inBytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.ceil(bytes / 1e6)} MB`;
}
