/** Figure 6: what single settings do, everything else being one arm's. */
import { ABLATED, ablatedBy } from "../arms.ts";
import type { Trajectory } from "../cell.ts";
import { type Figure, mean, standardError } from "../figure.ts";
import { finalLoss, groupsOf, percentAbove, type StudiedArm } from "../studied.ts";
import { lastOf } from "../tuning.ts";

export function ablations(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied)
    .map((arms) => arms.filter(({ arm }) => arm === ABLATED || ablatedBy(arm) !== null))
    .filter((arms) => arms.length > 1);
  return {
    number: 6,
    title: "Ablations",
    text: [
      `Held-out loss after the last round where one setting differs from “${ABLATED}” (the line), each arm at its own learning rate; bars are standard errors over seeds.`,
      "Eight-bit updates send what rounding took with the next round's. The FedEx residual adds what the mean of products is beyond the product of means to the base, which would have to travel too: its bytes are without it. Horvitz-Thompson divides each coordinate's sum by all devices and the chance of being kept, where the product's mean divides by those that kept it.",
    ],
    charts: groups.map((arms) => ({
      title: `${arms[0]?.task}, ${arms[0]?.devices} devices`,
      xLabel: "held-out loss, nats",
      rows: arms.map(({ arm, cells }) => {
        const values = cells.map(heldOut);
        const [x, error] = [mean(values), standardError(values) ?? 0];
        return { name: arm, x, low: x - error, high: x + error };
      }),
      reference: referenceOf(arms),
    })),
    table: {
      columns: [
        "task",
        "devices",
        "setting",
        "arm",
        "learning_rate",
        "seeds",
        "train",
        "held_out",
        "held_out_error",
        "over_reference_percent",
        "over_reference_error_percent",
        "megabytes",
      ],
      rows: groups.flatMap((arms) => {
        const reference = arms.find(({ arm }) => arm === ABLATED);
        return arms.map((own) => {
          const values = own.cells.map(heldOut);
          const above = reference && percentAbove(own, reference);
          return [
            own.task,
            own.devices,
            ablatedBy(own.arm),
            own.arm,
            own.learningRate,
            own.cells.length,
            mean(own.cells.map((cell) => lastOf(cell).train)),
            mean(values),
            standardError(values),
            above?.percent ?? null,
            above?.error ?? null,
            mean(own.cells.map((cell) => lastOf(cell).bytes / 1e6)),
          ];
        });
      }),
    },
  };
}

const heldOut = (cell: Trajectory): number => lastOf(cell).report;

function referenceOf(arms: readonly StudiedArm[]): number | null {
  const reference = arms.find(({ arm }) => arm === ABLATED);
  return reference ? finalLoss(reference) : null;
}
