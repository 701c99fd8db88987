/**
 * Two arms of one run: the same devices, texts and seeds, by turns. The run's own settings go first, then those of what it
 * is compared with; each arm has an adapter of its own, and a round goes on from the last one of its arm. A turn that
 * everybody walked out of is had again, so that both arms get as many as were asked for.
 */
import { type RoundRecord, type Turn, wasTried } from "./report.ts";
import type { RunConfig } from "./run-config.ts";

/** 0 is the run's own settings. */
export type Arm = Turn["arm"];

type Compared = Pick<RunConfig, "compareWith">;
/** A round, or a message of one. */
type OfRound = Pick<RoundRecord, "round" | "turn">;

export const armCount = ({ compareWith }: Compared): 1 | 2 => (compareWith === null ? 1 : 2);

export const armOf = ({ turn }: Pick<RoundRecord, "turn">): Arm => turn?.arm ?? 0;

/** Which of its arm's rounds it is: masks and batches are drawn by it, so that each arm is the run that it would be alone. */
export const turnOf = ({ round, turn }: OfRound): number => turn?.number ?? round;

/** Whose turn comes behind these rounds; undefined in a run that compares nothing. */
export function nextTurn(config: Compared, records: readonly RoundRecord[]): Turn | undefined {
  if (armCount(config) === 1) return undefined;
  const last = records.at(-1);
  if (last?.turn === undefined) return { arm: 0, number: 1 };
  if (!wasTried(last)) return last.turn;
  const { arm, number } = last.turn;
  return arm === 0 ? { arm: 1, number } : { arm: 0, number: number + 1 };
}

/** Rounds of all arms together. */
export const roundsInAll = (config: Compared & Pick<RunConfig, "rounds">): number =>
  config.rounds * armCount(config);

/** What holds in an arm's rounds. */
export const termsOf = (config: RunConfig, arm: Arm): RunConfig =>
  config.compareWith === null ? config : { ...config, ...(arm === 1 && config.compareWith) };

/** The rounds of one arm. */
export const ofArm = <T extends Pick<RoundRecord, "turn">>(rounds: readonly T[], arm: Arm): readonly T[] =>
  rounds.filter((round) => armOf(round) === arm);
