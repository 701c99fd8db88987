/** Lessons as data: which steps, and what each asks, does and shows. Their words are the catalogue's, under the step's name. */
import type { HostCommand } from "@fedlodrop/protocol";

interface LessonStep {
  /** Names its words: `step.NAME`, `.caption`, `.question` and `.option.0` on. */
  readonly name: StepName;
  /** Null only tells something. */
  readonly question: {
    readonly options: 2 | 3;
    /** The right one. */
    readonly answer: 0 | 1 | 2;
  } | null;
  /** What the teacher's button does in this step. */
  readonly act?: { readonly name: "start" | "compare"; readonly command: HostCommand };
  /** What stands on the teacher's screen beside the run. */
  readonly show?: "slow-round" | "guesses";
}

type StepName = Asking | Telling;
type Asking = "what-travels" | "why-leave-out" | "by-heart" | "bet" | "who-decides" | "privacy";
type Telling = "together" | "first-rounds" | "slow-round" | "guess" | "side-by-side" | "try" | "end";

export interface LessonScript {
  readonly id: "short" | "middle" | "whole";
  readonly minutes: number;
  readonly steps: readonly LessonStep[];
}

const tells = (name: Telling, more: Pick<LessonStep, "act" | "show"> = {}): LessonStep => ({
  ...{ name, question: null },
  ...more,
});
const asks = (
  name: Asking,
  question: NonNullable<LessonStep["question"]>,
  more: Pick<LessonStep, "act"> = {},
): LessonStep => ({ name, question, ...more });

const start = { name: "start", command: { kind: "start" } } as const;
const compare = {
  name: "compare",
  command: { kind: "configure", config: { compareWith: { method: "fedlora", dropoutRate: 0 } } },
} as const;

const together = tells("together");
const whatTravels = asks("what-travels", { options: 3, answer: 1 });
const firstRounds = tells("first-rounds", { act: start });
const slowRound = tells("slow-round", { show: "slow-round" });
const whyLeaveOut = asks("why-leave-out", { options: 3, answer: 0 });
const byHeart = asks("by-heart", { options: 2, answer: 1 });
const guess = tells("guess", { show: "guesses" });
const sideBySide = tells("side-by-side", { act: compare });
const bet = asks("bet", { options: 3, answer: 0 }, { act: start });
const whoDecides = asks("who-decides", { options: 2, answer: 0 });
const privacy = asks("privacy", { options: 3, answer: 0 });
const tryIt = tells("try");
const end = tells("end");

export const LESSONS: readonly LessonScript[] = [
  { id: "short", minutes: 5, steps: [together, firstRounds, byHeart, end] },
  {
    id: "middle",
    minutes: 20,
    steps: [together, whatTravels, firstRounds, slowRound, whyLeaveOut, byHeart, guess, tryIt, end],
  },
  {
    id: "whole",
    minutes: 50,
    steps: [
      ...[together, whatTravels, firstRounds, slowRound, whyLeaveOut, whoDecides, byHeart, guess],
      ...[tryIt, sideBySide, bet, privacy, end],
    ],
  },
];
