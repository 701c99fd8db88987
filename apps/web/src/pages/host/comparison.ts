/** Two arms of one run side by side, and what that comes to in a sentence: computed from their rounds and nothing else. */
import { type Arm, armCount, ofArm, type RoundRecord, type RunConfig, termsOf, turnOf } from "@fedlodrop/run";
import { formatLoss, formatPercent } from "../../ui/format.ts";
import { NOISE, verdict } from "../../ui/verdict.ts";
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

export const titleOf = ({ method, dropoutRate }: Pick<RunConfig, "method" | "dropoutRate">): string =>
  method === "fedlora" || (method === "fixed" && dropoutRate === 0)
    ? say("arm.without")
    : method === "fixed"
      ? say("arm.with", { rate: formatPercent(dropoutRate) })
      : say(`method.${method}`);

/** What became of the arm that does worse, counted in its own rounds; empty where nothing is to be said. */
export function whyWorse({ own, other, kind }: Comparison, base: number | null): string {
  if (kind !== "better" && kind !== "worse") return "";
  const { rounds, title } = kind === "better" ? other : own;
  const points = rounds.flatMap((round) =>
    round.testLoss === null ? [] : [{ round: turnOf(round), testLoss: round.testLoss }],
  );
  const found = verdict(points, base);
  return found?.kind === "worsening" || found?.kind === "worse"
    ? say("compare.why", { arm: capital(title), why: found.headline })
    : "";
}

const capital = (words: string): string => `${words[0]?.toUpperCase()}${words.slice(1)}`;

/** After the last turn in which both were measured, so that neither has had a round more. */
function verdictOn(own: ArmSoFar, other: ArmSoFar): Pick<Comparison, "headline" | "kind"> {
  const lossesOf = ({ rounds }: ArmSoFar): ReadonlyMap<number, number> =>
    new Map(rounds.flatMap((round) => (round.testLoss === null ? [] : [[turnOf(round), round.testLoss]])));
  const [ours, theirs] = [lossesOf(own), lossesOf(other)];
  const turn = [...ours.keys()].findLast((each) => theirs.has(each));
  if (turn === undefined) return { kind: "waiting", headline: say("compare.waiting") };
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
    kind: Math.abs(its - mine) <= NOISE ? "same" : mine < its ? "better" : "worse",
    headline: isAsMuch
      ? say("compare.headline", losses)
      : say("compare.headline-data", { ...losses, share: formatPercent(sent) }),
  };
}
