/** What a spectator should see in the numbers, in a sentence: computed from the run's rounds and nothing else. */
import type { RoundRecord, TaskKind } from "@fedlodrop/run";
import { formatPercent } from "../../ui/format.ts";
import { ownGainOf, type Verdict, verdict } from "../../ui/verdict.ts";
import { say } from "../../words/words.ts";

export interface Story {
  readonly kind: "waiting" | Verdict["kind"];
  readonly headline: string;
  /** Whether training did more for the devices' own texts than for unseen ones, in a sentence; empty where it is not known. */
  readonly detail: string;
  readonly isMemorised: boolean;
}

export function tellStory(
  rounds: readonly RoundRecord[],
  baseTestLoss: number | null,
  kind: TaskKind,
): Story {
  const points = rounds.flatMap(({ round, testLoss, evaluation }) =>
    testLoss === null ? [] : [{ round, testLoss, ownGain: ownGainOf(evaluation) }],
  );
  const found = verdict(points, baseTestLoss);
  if (found === null)
    return { kind: "waiting", headline: waitingFor(rounds), detail: "", isMemorised: false };
  return {
    kind: found.kind,
    headline: found.headline,
    detail: wordsOn(found, kind),
    isMemorised: found.isMemorised,
  };
}

const waitingFor = (rounds: readonly RoundRecord[]): string =>
  say(rounds.length === 0 ? "story.nothing" : "story.unmeasured");

/** In the probability that the model gives to what is right. Of estimated numbers the loss is no log of one. */
function wordsOn({ cause, memorised, isMemorised }: Verdict, kind: TaskKind): string {
  if (cause === "not-learning") return say("story.not-learning");
  if (memorised === null || kind === "regression") return "";
  if (!isMemorised) return say("story.no-better");
  return say(`story.memorised.${kind}`, { by: formatPercent(Math.exp(memorised) - 1) });
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
