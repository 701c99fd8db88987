/** An allocation as the JSON object the command line prints and other tools read. */
import type { Allocation, DeviceAllocation, Method } from "@fedlodrop/allocation";

export interface ResultObject {
  readonly id: string;
  readonly method: Method;
  readonly J: number;
  readonly lowerBound: number;
  readonly gap: number;
  readonly certified: boolean;
  /** Null for an excluded device, here and below. */
  readonly gamma: readonly (number | null)[];
  readonly excluded: readonly number[];
  readonly owner: readonly (number | null)[];
  readonly opPoint: readonly (number | null)[];
  readonly uploadSeconds: readonly (number | null)[];
  readonly transmitPowerWatts: readonly (number | null)[];
  readonly energyJoules: readonly (number | null)[];
  /** Excluded devices that no share of the link could admit, and what would. */
  readonly infeasible: readonly {
    readonly device: number;
    readonly cause: "compute" | "energy" | "link";
    readonly leastDeadlineSeconds: number | null;
    readonly leastEnergyJoules: number | null;
  }[];
  readonly nodes: number;
  readonly milliseconds: number;
}

export function resultObject(id: string, allocation: Allocation): ResultObject {
  type Admitted = DeviceAllocation & { kind: "admitted" };
  const each = (pick: (device: Admitted) => number): (number | null)[] =>
    allocation.devices.map((device) => (device.kind === "admitted" ? pick(device) : null));
  return {
    id,
    method: allocation.method,
    J: allocation.objective,
    lowerBound: allocation.lowerBound,
    gap: allocation.gap,
    certified: allocation.certified,
    gamma: each((device) => device.dropoutRate),
    excluded: allocation.devices.flatMap((device, k) => (device.kind === "excluded" ? [k] : [])),
    owner: allocation.owner,
    opPoint: each((device) => device.operatingPoint),
    uploadSeconds: each((device) => device.uploadSeconds),
    transmitPowerWatts: each((device) => device.transmitPowerWatts),
    energyJoules: each((device) => device.energyJoules),
    infeasible: allocation.devices.flatMap((device, k) =>
      device.kind === "excluded" && device.infeasibility !== null
        ? [{ device: k, ...device.infeasibility }]
        : [],
    ),
    nodes: allocation.nodes,
    milliseconds: allocation.milliseconds,
  };
}
