/** What a spectator should see in the numbers, in a sentence: computed from the run's rounds and nothing else. */
import type { RoundRecord, TaskKind } from "@fedlodrop/run";
import { formatPercent } from "../../ui/format.ts";
import { NOISE_OF_MODELS, NOISE_OF_TEXTS } from "../../ui/noise.ts";
import { type Verdict, verdict } from "../../ui/verdict.ts";
import { say } from "../../words/words.ts";

export interface Story {
  readonly kind: "waiting" | Verdict["kind"];
  readonly headline: string;
  /** What the gap between the devices' own texts and unseen ones says; empty where it is not known. */
  readonly detail: string;
}

interface Point {
  readonly round: number;
  readonly testLoss: number;
  readonly trainLoss: number | null;
}

export function tellStory(
  rounds: readonly RoundRecord[],
  baseTestLoss: number | null,
  kind: TaskKind,
): Story {
  const points = rounds.flatMap(({ round, testLoss, evaluation }): Point[] =>
    testLoss === null ? [] : [{ round, testLoss, trainLoss: evaluation?.trainLoss ?? null }],
  );
  const last = points.at(-1);
  const found = verdict(points, baseTestLoss);
  if (last === undefined || found === null)
    return { kind: "waiting", headline: waitingFor(rounds), detail: "" };
  const detail = memorised(last, textsApart(rounds, baseTestLoss), kind);
  return { kind: found.kind, headline: found.headline, detail };
}

/** What the devices' texts were easier by than the unseen ones before any training, nats; null where that was not measured. */
export function textsApart(rounds: readonly RoundRecord[], baseTestLoss: number | null): number | null {
  const measured = rounds.findLast(({ evaluation }) => evaluation !== null)?.evaluation;
  const baseTrainLoss = measured?.baseTrainLoss ?? null;
  return baseTestLoss === null || baseTrainLoss === null ? null : baseTestLoss - baseTrainLoss;
}

/** What may be no more than how texts differ. @param apart as `textsApart` */
const noiseOfGap = (apart: number | null): number => (apart === null ? NOISE_OF_TEXTS : NOISE_OF_MODELS);

/** How far apart the two losses lie, nats, before that is learned by heart. @param apart as `textsApart` */
export const leastMemorised = (apart: number | null): number => Math.max(0, apart ?? 0) + noiseOfGap(apart);

const waitingFor = (rounds: readonly RoundRecord[]): string =>
  say(rounds.length === 0 ? "story.nothing" : "story.unmeasured");

/**
 * How much better it has come to know the devices' own texts than new ones, in the probability it gives to what is right of them.
 * Of estimated numbers the loss is no log of one.
 */
function memorised({ testLoss, trainLoss }: Point, apart: number | null, kind: TaskKind): string {
  if (trainLoss === null || kind === "regression") return "";
  const grown = testLoss - trainLoss - (apart ?? 0);
  if (grown <= noiseOfGap(apart)) return say("story.no-better");
  return say(`story.memorised.${kind}`, { by: formatPercent(Math.exp(grown) - 1) });
}

/**
 * Why a device has the dropout rate it has: what stands out in its last measured round.
 * @param rounds of the arm whose rate it is
 */
export function reasonOf(rounds: readonly RoundRecord[], id: string, rate: number): string {
  const last = rounds.findLast(({ participants }) => participants.some((each) => each.id === id));
  const plan = rounds.at(-1)?.allocation?.devices.find((device) => device.id === id);
  if (plan?.excludedBecause) return say("why.left-out");
  if (last === undefined) return "";
  switch (last.method) {
    // A rate of nothing is said already.
    case "fedlora":
      return "";
    case "fixed": {
      // A rate that the host has changed since.
      const isOther = last.participants.every((each) => each.id !== id || each.dropoutRate !== rate);
      return isOther ? "" : say("why.same");
    }
    case "random":
      return say("why.drawn");
    default:
      return standsOut(last, id);
  }
}

/** A device is slow where it takes half as long again as the median. */
const SLOW = 1.5;
/** Rates this close are alike. */
const ALIKE = 0.03;

function standsOut({ participants }: RoundRecord, id: string): string {
  const own = participants.find((each) => each.id === id);
  if (own === undefined) return "";
  const rates = participants.map(({ dropoutRate }) => dropoutRate);
  const middle = middleOf(rates);
  if (Math.abs(own.dropoutRate - middle) <= ALIKE) return say("why.alike");
  const ratio = (read: (each: (typeof participants)[number]) => number | null): number => {
    const known = participants.flatMap((each) => read(each) ?? []);
    const mine = read(own);
    return mine === null || known.length < 2 ? 1 : mine / middleOf(known);
  };
  const link = ratio(({ secondsUpload, bytesUp }) =>
    secondsUpload === null || bytesUp === 0 ? null : secondsUpload / bytesUp,
  );
  const compute = ratio(({ secondsCompute }) => secondsCompute);
  const more = own.dropoutRate > middle;
  if (more && link >= compute && link > SLOW) return say("why.slow-link");
  if (more && compute > SLOW) return say("why.slow-device");
  if (!more && link < 1 / SLOW) return say("why.fast-link");
  if (!more && compute < 1 / SLOW) return say("why.fast-device");
  return say(more ? "why.less" : "why.more");
}

function middleOf(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.floor((ordered.length - 1) / 2)] as number;
}
