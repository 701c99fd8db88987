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

/** Its costs and its loss are those after its rounds until the comparison's turn: neither arm has had a round more. */
export interface ArmSoFar {
  readonly arm: Arm;
  /** What is done to the devices in it. */
  readonly title: string;
  /** All there are. */
  readonly rounds: readonly RoundRecord[];
  /** Null while there is nothing to compare. */
  readonly loss: number | null;
  readonly bytes: number;
  readonly bytesWithoutDropout: number;
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
  const turn = lastTurnOfBoth(rounds);
  const [own, other] = [0, 1].map((arm) => soFar(config, rounds, arm as Arm, turn, past)) as [
    ArmSoFar,
    ArmSoFar,
  ];
  return { own, other, turn, ...verdictOn(own, other) };
}

function lastTurnOfBoth(rounds: readonly RoundRecord[]): number {
  const [ours = [], theirs = []] = [0, 1].map((arm) =>
    ofArm(rounds, arm as Arm).flatMap((round) => (round.testLoss === null ? [] : [turnOf(round)])),
  );
  return ours.findLast((turn) => theirs.includes(turn)) ?? 0;
}

function soFar(
  config: RunConfig,
  all: readonly RoundRecord[],
  arm: Arm,
  turn: number,
  past: readonly Past[],
): ArmSoFar {
  const rounds = ofArm(all, arm);
  const until = rounds.filter((round) => turnOf(round) <= turn);
  const before = past.slice(arm, arm + 1);
  const { down, up, withoutDropout } = bytesSoFar(until, config.valueType, before);
  return {
    arm,
    title: titleOf(termsOf(config, arm)),
    rounds,
    loss: until.findLast((round) => turnOf(round) === turn && round.testLoss !== null)?.testLoss ?? null,
    bytes: down + up,
    bytesWithoutDropout: withoutDropout,
    seconds: until.reduce((sum, { seconds }) => sum + seconds, 0),
    energy: energySoFar(until, before),
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

export const capital = (words: string): string => `${words[0]?.toUpperCase()}${words.slice(1)}`;

function verdictOn(own: ArmSoFar, other: ArmSoFar): Pick<Comparison, "headline" | "kind"> {
  const [mine, its] = [own.loss, other.loss];
  if (mine === null || its === null) return { kind: "waiting", headline: say("compare.waiting") };
  const sent = own.bytes / other.bytes;
  const isAsMuch = !Number.isFinite(sent) || Math.abs(sent - 1) <= 0.005;
  const losses = {
    own: capital(own.title),
    mine: formatLoss(mine),
    other: other.title,
    its: formatLoss(its),
  };
  return {
    kind: Math.abs(its - mine) <= NOISE_OF_MODELS ? "same" : mine < its ? "better" : "worse",
    headline: isAsMuch
      ? say("compare.headline", losses)
      : say("compare.headline-data", { ...losses, share: formatPercent(sent) }),
  };
}
