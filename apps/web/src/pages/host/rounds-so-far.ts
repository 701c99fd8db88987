/**
 * A run's rounds as the host page keeps them: the last ones whole, of earlier ones the figures of the whole round; what their
 * devices did is added up, so that a run of thousands of rounds needs no more memory for its devices than one of hundreds.
 */
import { appendRounds, type SentRounds } from "@fedlodrop/protocol";
import { type Arm, armCount, ofArm, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { addShares, NO_SHARES, type Shares } from "./contributions.ts";
import {
  addBytes,
  addEnergy,
  type ByteTotals,
  byteTotals,
  type Energy,
  energyTotals,
  NO_BYTES,
} from "./totals.ts";

/** Sums over rounds of one arm of which the devices are not known one by one any more. */
export interface Past {
  readonly bytes: ByteTotals;
  readonly energy: readonly Energy[];
  readonly shares: Shares;
}

const NO_PAST: Past = { bytes: NO_BYTES, energy: [], shares: NO_SHARES };

interface RoundsSoFar {
  readonly records: readonly RoundRecord[];
  /** By arm of a comparison; one for a run that compares nothing. */
  readonly past: readonly Past[];
}

/** Rounds that stay whole. The coordinator never changes earlier ones. */
export const WHOLE_ROUNDS = 200;

export interface RoundsKept extends RoundsSoFar {
  readonly runId: string;
  /** Of these many the devices are in `past` alone. */
  readonly folded: number;
}

/** What is known with what has come in. */
export function keepRounds(known: RoundsKept | null, sent: SentRounds, config: RunConfig): RoundsKept {
  // Told from the beginning again, after a lost connection.
  const isAnew = known === null || known.runId !== sent.runId || sent.from < known.folded;
  const before = isAnew ? { runId: sent.runId, records: [], past: [], folded: 0 } : known;
  const { records } = appendRounds({ ...before, from: 0 }, sent);
  const folded = Math.max(before.folded, records.length - WHOLE_ROUNDS);
  const leaving = records.slice(before.folded, folded);
  if (leaving.length === 0) return { ...before, records };
  const arms = Array.from({ length: armCount(config) }, (_, arm) => arm as Arm);
  return {
    runId: sent.runId,
    folded,
    records: [...records.slice(0, before.folded), ...leaving.map(withoutDevices), ...records.slice(folded)],
    past: arms.map((arm) => addTo(before.past[arm] ?? NO_PAST, ofArm(leaving, arm), config)),
  };
}

function addTo(
  { bytes, energy, shares }: Past,
  rounds: readonly RoundRecord[],
  { valueType }: RunConfig,
): Past {
  return {
    bytes: addBytes(bytes, byteTotals(rounds, valueType)),
    energy: addEnergy(energy, energyTotals(rounds.flatMap(({ participants }) => participants))),
    shares: addShares(shares, rounds),
  };
}

const withoutDevices = (record: RoundRecord): RoundRecord => ({
  ...record,
  participants: [],
  allocation: record.allocation && { ...record.allocation, devices: [] },
});

export const bytesSoFar = (
  rounds: readonly RoundRecord[],
  valueType: RunConfig["valueType"],
  past: readonly Past[],
): ByteTotals => past.reduce((sum, { bytes }) => addBytes(sum, bytes), byteTotals(rounds, valueType));

export const energySoFar = (rounds: readonly RoundRecord[], past: readonly Past[]): readonly Energy[] =>
  past.reduce<readonly Energy[]>(
    (sum, { energy }) => addEnergy(sum, energy),
    energyTotals(rounds.flatMap(({ participants }) => participants)),
  );
