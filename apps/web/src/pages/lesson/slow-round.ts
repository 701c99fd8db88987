/** One round of the run in five steps, from what was really drawn in it: which cells of the adapter each device kept. */
import {
  type AdapterShape,
  drawDropoutMask,
  ofArm,
  type RoundRecord,
  type RunConfig,
  turnOf,
} from "@fedlodrop/run";

interface SlowDevice {
  readonly id: string;
  readonly nickname: string;
  readonly dropoutRate: number;
  /** Of each column of the matrix that is shown: kept in this round. */
  readonly kept: readonly boolean[];
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Its change is in the new model. */
  readonly counted: boolean;
}

export interface SlowRound {
  readonly round: number;
  /** Of the matrix whose columns are shown. */
  readonly module: string;
  /** Those that are drawn. */
  readonly devices: readonly SlowDevice[];
  /** How many were in the round. */
  readonly deviceCount: number;
  /** Of each column: how many changes were averaged into it, of all the round's devices. */
  readonly averaged: readonly number[];
}

/** Each is a text of the catalogue, `slow.NAME`. */
export const STAGES = ["drawn", "down", "trains", "up", "averaged"] as const;

/** Cells and rows that fit a screen. */
const COLUMNS_SHOWN = 48;
const DEVICES_SHOWN = 6;

/** The newest of the run's own arm, since one that is compared with may drop nothing. */
const newest = (rounds: readonly RoundRecord[]): RoundRecord | undefined =>
  ofArm(rounds, 0).findLast(({ participants }) => participants.length > 0);

/** Null before the first round. */
export function newestRound(rounds: readonly RoundRecord[]): number | null {
  const record = newest(rounds);
  return record === undefined ? null : turnOf(record);
}

/** Draws the masks of every device anew. Null before the first round. */
export function slowRound(
  config: RunConfig,
  shape: AdapterShape,
  rounds: readonly RoundRecord[],
): SlowRound | null {
  const record = newest(rounds);
  const [module] = shape.modules;
  if (record === undefined || module === undefined) return null;
  const count = Math.min(COLUMNS_SHOWN, module.inFeatures);
  const devices = record.participants.map((participant): SlowDevice => {
    const { id, dropoutRate } = participant;
    const key = { seed: config.seed, round: turnOf(record), participantId: id, dropoutRate };
    const [mask] = drawDropoutMask({ ...shape, modules: [module] }, key);
    const columns = new Set(mask?.keptColumns);
    return {
      id,
      nickname: participant.nickname,
      dropoutRate,
      kept: Array.from({ length: count }, (_, column) => columns.has(column)),
      bytesDown: participant.bytesDown,
      bytesUp: participant.bytesUp,
      counted: participant.outcome === "aggregated",
    };
  });
  return {
    round: turnOf(record),
    module: module.name,
    devices: devices.slice(0, DEVICES_SHOWN),
    deviceCount: devices.length,
    averaged: Array.from(
      { length: count },
      (_, column) => devices.filter(({ kept, counted }) => counted && kept[column]).length,
    ),
  };
}
