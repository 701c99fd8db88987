/**
 * Two arms of one run: the same devices, texts and seeds, by turns. Odd rounds are the run's own, even ones those of what
 * it is compared with; each arm has an adapter of its own, and a round goes on from the last one of its arm.
 */
import type { RunConfig } from "./run-config.ts";

/** 0 is the run's own settings. */
export type Arm = 0 | 1;

type Compared = Pick<RunConfig, "compareWith">;

export const armCount = ({ compareWith }: Compared): 1 | 2 => (compareWith === null ? 1 : 2);

/** @param round from 1 on; before the first round it is the run's own */
export const armOf = (config: Compared, round: number): Arm =>
  armCount(config) === 2 && round > 0 && round % 2 === 0 ? 1 : 0;

/** Which of its arm's rounds it is: masks and batches are drawn by it, so that each arm is the run that it would be alone. */
export const turnOf = (config: Compared, round: number): number => Math.ceil(round / armCount(config));

/** Rounds of all arms together. */
export const roundsInAll = (config: Compared & Pick<RunConfig, "rounds">): number =>
  config.rounds * armCount(config);

/** The round that this one goes on from, where nobody has gone back. */
export const roundBefore = (config: Compared, round: number): number => Math.max(0, round - armCount(config));

/** What holds in a round. */
export const termsOf = (config: RunConfig, round: number): RunConfig =>
  config.compareWith === null
    ? config
    : { ...config, ...(armOf(config, round) === 1 && config.compareWith), rounds: roundsInAll(config) };

/** The rounds of one arm. */
export const ofArm = <T extends { readonly round: number }>(
  config: Compared,
  rounds: readonly T[],
  arm: Arm,
): readonly T[] => rounds.filter(({ round }) => armOf(config, round) === arm);
