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
  readonly devices: readonly SlowDevice[];
  /** Of each column: how many changes were averaged into it. */
  readonly averaged: readonly number[];
}

/** Each is a text of the catalogue, `slow.NAME`. */
export const STAGES = ["drawn", "down", "trains", "up", "averaged"] as const;

/** Cells that fit a screen. */
const COLUMNS_SHOWN = 48;
const DEVICES_SHOWN = 6;

/** The newest of the run's own arm, since one that is compared with may drop nothing; null before the first round. */
export function slowRound(
  config: RunConfig,
  shape: AdapterShape,
  rounds: readonly RoundRecord[],
): SlowRound | null {
  const record = ofArm(rounds, 0).findLast(({ participants }) => participants.length > 0);
  const [module] = shape.modules;
  if (record === undefined || module === undefined) return null;
  const count = Math.min(COLUMNS_SHOWN, module.inFeatures);
  const devices = record.participants.slice(0, DEVICES_SHOWN).map((participant): SlowDevice => {
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
    devices,
    averaged: Array.from(
      { length: count },
      (_, column) => devices.filter(({ kept, counted }) => counted && kept[column]).length,
    ),
  };
}
