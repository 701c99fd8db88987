/** What this device has given so far: sums over the rounds of its own that the page keeps. */
import { payloadBytes, type RunDescription } from "@fedlodrop/protocol";
import { fullPayloadBytes, type RoundProgress } from "./state.ts";

export interface OwnFigures {
  /** Rounds whose model has this device's work in it. */
  readonly roundsUsed: number;
  /** 0 to 1: mean over these of this device's share of the round's weight. */
  readonly share: number;
  /** Most devices, this one included, that made one of these rounds together. */
  readonly together: number;
  readonly bytes: number;
  /** The same transfers without dropout. */
  readonly bytesWithoutDropout: number;
  readonly joules: number;
  /** Every round's estimate came from the battery. */
  readonly fromBattery: boolean;
}

export function ownFigures(rounds: readonly RoundProgress[], run: RunDescription): OwnFigures {
  const used = rounds.flatMap(({ closed }) => (closed?.outcome === "aggregated" ? closed : []));
  const spent = rounds.flatMap(({ energy }) => energy ?? []);
  const full = fullPayloadBytes(run);
  // A transfer that was cut short counts in the same proportion.
  const unabridged = ({ bytesDown, bytesUp, keptValues }: RoundProgress): number =>
    ((bytesDown + bytesUp) * full) / payloadBytes(keptValues, run.config.valueType);
  return {
    roundsUsed: used.length,
    share: sum(used, ({ contribution }) => contribution) / Math.max(1, used.length),
    together: Math.max(0, ...used.map(({ aggregatedCount }) => aggregatedCount)),
    bytes: sum(rounds, ({ bytesDown, bytesUp }) => bytesDown + bytesUp),
    bytesWithoutDropout: sum(rounds, unabridged),
    joules: sum(spent, ({ joules }) => joules),
    fromBattery: spent.length > 0 && spent.every(({ source }) => source === "battery"),
  };
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
