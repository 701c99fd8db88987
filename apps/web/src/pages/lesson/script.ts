/** Lessons as data: which steps, and what each asks, does and shows. Their words are the catalogue's, under the step's name. */
import type { HostCommand } from "@fedlodrop/protocol";

interface LessonStep {
  /** Names its words: `step.NAME`, `.caption`, `.question` and `.option.0` on. */
  readonly name: StepName;
  /** Null where the texts of the guessing game are asked about. */
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

type StepName =
  | ("together" | "what-travels" | "first-rounds" | "slow-round" | "why-leave-out" | "by-heart" | "guess")
  | ("side-by-side" | "bet" | "who-decides" | "privacy" | "try" | "end");

export interface LessonScript {
  readonly id: "short" | "middle" | "whole";
  readonly minutes: number;
  readonly steps: readonly LessonStep[];
}

const asks = (
  name: StepName,
  question: LessonStep["question"],
  more: Pick<LessonStep, "act" | "show"> = {},
): LessonStep => ({ name, question, ...more });

const start = { name: "start", command: { kind: "start" } } as const;
const compare = {
  name: "compare",
  command: { kind: "configure", config: { compareWith: { method: "fedlora", dropoutRate: 0 } } },
} as const;

const together = asks("together", { options: 3, answer: 2 });
const whatTravels = asks("what-travels", { options: 3, answer: 1 });
const firstRounds = asks("first-rounds", { options: 3, answer: 0 }, { act: start });
const slowRound = asks("slow-round", { options: 2, answer: 1 }, { show: "slow-round" });
const whyLeaveOut = asks("why-leave-out", { options: 3, answer: 0 });
const byHeart = asks("by-heart", { options: 2, answer: 1 });
const guess = asks("guess", null, { show: "guesses" });
const sideBySide = asks("side-by-side", { options: 2, answer: 0 }, { act: compare });
const bet = asks("bet", { options: 3, answer: 0 }, { act: start });
const whoDecides = asks("who-decides", { options: 2, answer: 0 });
const privacy = asks("privacy", { options: 3, answer: 0 });
const tryIt = asks("try", { options: 2, answer: 1 });
const end = asks("end", { options: 2, answer: 0 });

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
