/** Two arms of one run side by side, and what that comes to in a sentence: computed from their rounds and nothing else. */
import type { HostView } from "@fedlodrop/protocol";
import {
  type Arm,
  armCount,
  nextTurn,
  ofArm,
  type RoundRecord,
  type RunConfig,
  termsOf,
  turnOf,
} from "@fedlodrop/run";
import { dropsNothing, titleOf } from "../../ui/arm-title.ts";
import { formatLoss, formatPercent } from "../../ui/format.ts";
import { NOISE_OF_MODELS } from "../../ui/noise.ts";
import { ownGainOf, type Verdict, verdict } from "../../ui/verdict.ts";
import { say } from "../../words/words.ts";
import { bytesSoFar, energySoFar, type Past } from "./rounds-so-far.ts";
import type { Energy } from "./totals.ts";

export interface ArmSoFar {
  readonly arm: Arm;
  /** What is done to the devices in it. */
  readonly title: string;
  readonly rounds: readonly RoundRecord[];
  readonly bytes: number;
  readonly seconds: number;
  readonly energy: readonly Energy[];
}

export interface Comparison {
  readonly own: ArmSoFar;
  readonly other: ArmSoFar;
  /** The last that both arms were measured in, so that neither has had a round more; 0 before there is one. */
  readonly turn: number;
  readonly headline: string;
  /** Of the run's own arm; `waiting` while there is nothing to compare. */
  readonly kind: "better" | "same" | "worse" | "waiting";
}

/** Null of a run that compares nothing. */
export function compareArms(
  config: RunConfig,
  rounds: readonly RoundRecord[],
  past: readonly Past[] = [],
): Comparison | null {
  if (armCount(config) === 1) return null;
  const [own, other] = [soFar(config, rounds, 0, past), soFar(config, rounds, 1, past)];
  return { own, other, ...verdictOn(own, other) };
}

function soFar(config: RunConfig, all: readonly RoundRecord[], arm: Arm, past: readonly Past[]): ArmSoFar {
  const rounds = ofArm(all, arm);
  const before = past.slice(arm, arm + 1);
  const { down, up } = bytesSoFar(rounds, config.valueType, before);
  return {
    arm,
    title: titleOf(termsOf(config, arm)),
    rounds,
    bytes: down + up,
    seconds: rounds.reduce((sum, { seconds }) => sum + seconds, 0),
    energy: energySoFar(rounds, before),
  };
}

/** What devices do with the adapter in an arm's rounds, and what for; null of a run that leaves nothing out in any. */
export function dropoutWords(config: RunConfig, arm: Arm): string | null {
  if (!dropsNothing(termsOf(config, arm))) return say("stage.about");
  const other = arm === 0 && armCount(config) === 2 ? 1 : 0;
  return dropsNothing(termsOf(config, other)) ? null : say("stage.about-whole");
}

const armsOf = (config: RunConfig) => [config, ...(config.compareWith === null ? [] : [config.compareWith])];

/** What a run is about that has not begun; null of one that will leave nothing out. */
export const dropoutAhead = (config: RunConfig): string | null =>
  armsOf(config).every(dropsNothing) ? null : say("lobby.about");

/** What was left out in the whole run, and what for; null of a run that left nothing out. */
export function dropoutInAll(config: RunConfig): string | null {
  const arms = armsOf(config);
  if (arms.every(dropsNothing)) return null;
  if (arms.length === 1) return say("podium.about");
  return say(arms.some(dropsNothing) ? "podium.about-compared" : "podium.about-both");
}

/** The round that is open or to come, or else the last one, with whose turn it is. */
export function roundShown({ config, round, rounds }: Pick<HostView, "config" | "round" | "rounds">) {
  const last = rounds.at(-1);
  return { round, turn: round > (last?.round ?? 0) ? nextTurn(config, rounds) : last?.turn };
}

/** Between its arms lies what dropout does. */
export const isAboutDropout = (config: RunConfig): boolean =>
  !dropsNothing(config) && dropsNothing(termsOf(config, 1));

/** What became of each arm beside the base model, counted in its own rounds; none while there is nothing to compare. */
export function whatBecame({ own, other, turn }: Comparison, base: number | null): readonly string[] {
  return [own, other].flatMap(({ rounds, title }) => {
    const points = rounds.flatMap((round) =>
      round.testLoss === null || turnOf(round) > turn
        ? []
        : [{ round: turnOf(round), testLoss: round.testLoss, ownGain: ownGainOf(round.evaluation) }],
    );
    const found = base === null ? null : verdict(points, base);
    return found === null ? [] : [inShort(capital(title), found)];
  });
}

function inShort(arm: string, { kind, gained, bestRound, cause }: Verdict): string {
  switch (kind) {
    case "better":
      return say("became.better", { arm, by: formatLoss(gained) });
    case "worse":
      return say("became.worse", { arm, by: formatLoss(-gained) });
    case "same":
      return say("became.same", { arm });
    case "worsening":
      return say(`became.worsening.${cause}`, { arm, round: bestRound });
    default:
      return kind satisfies never;
  }
}

/** The arm that shows what a run's dropout does; of a run without, what it would do. */
export const oppositeArm = (
  terms: Pick<RunConfig, "method" | "dropoutRate">,
): NonNullable<RunConfig["compareWith"]> =>
  dropsNothing(terms) ? { method: "fixed", dropoutRate: 0.5 } : { method: "fedlora", dropoutRate: 0 };

/** Whether a run of these settings may have two arms: what is promised or measured on devices is of one alone. */
export const mayCompare = ({
  differentialPrivacy,
  secureAggregation,
  evaluateOn,
}: Pick<RunConfig, "differentialPrivacy" | "secureAggregation" | "evaluateOn">): boolean =>
  differentialPrivacy === null && !secureAggregation && evaluateOn.kind === "coordinator";

const capital = (words: string): string => `${words[0]?.toUpperCase()}${words.slice(1)}`;

function verdictOn(own: ArmSoFar, other: ArmSoFar): Pick<Comparison, "headline" | "kind" | "turn"> {
  const lossesOf = ({ rounds }: ArmSoFar): ReadonlyMap<number, number> =>
    new Map(rounds.flatMap((round) => (round.testLoss === null ? [] : [[turnOf(round), round.testLoss]])));
  const [ours, theirs] = [lossesOf(own), lossesOf(other)];
  const turn = [...ours.keys()].findLast((each) => theirs.has(each));
  if (turn === undefined) return { kind: "waiting", turn: 0, headline: say("compare.waiting") };
  const [mine, its] = [ours.get(turn) as number, theirs.get(turn) as number];
  const bytesUntil = ({ rounds }: ArmSoFar): number =>
    rounds
      .filter((round) => turnOf(round) <= turn)
      .flatMap(({ participants }) => participants)
      .reduce((sum, { bytesDown, bytesUp }) => sum + bytesDown + bytesUp, 0);
  const sent = bytesUntil(own) / bytesUntil(other);
  const isAsMuch = !Number.isFinite(sent) || Math.abs(sent - 1) <= 0.005;
  const losses = {
    own: capital(own.title),
    mine: formatLoss(mine),
    other: other.title,
    its: formatLoss(its),
  };
  return {
    turn,
    kind: Math.abs(its - mine) <= NOISE_OF_MODELS ? "same" : mine < its ? "better" : "worse",
    headline: isAsMuch
      ? say("compare.headline", losses)
      : say("compare.headline-data", { ...losses, share: formatPercent(sent) }),
  };
}
