/** Lessons as data: which steps, and what each asks, does and shows. Their words are the catalogue's, under the step's name. */
import type { HostCommand } from "@fedlodrop/protocol";

interface LessonStep {
  /** Names its words: `step.NAME`, `.caption`, `.question` and `.option.0` on. */
  readonly name: StepName;
  /** Null where the texts of the guessing game are asked about. */
  readonly question: {
    readonly options: 2 | 3;
    /** The right one; `run` where the run shows which arm it is, or that they are alike. */
    readonly answer: 0 | 1 | 2 | "run";
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
  /** Of all steps together. */
  readonly minutes: number;
  readonly steps: readonly (LessonStep & { readonly minutes: number })[];
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
const bet = asks("bet", { options: 3, answer: "run" }, { act: start });
const whoDecides = asks("who-decides", { options: 2, answer: 0 });
const privacy = asks("privacy", { options: 3, answer: 0 });
const tryIt = asks("try", { options: 2, answer: 1 });
const end = asks("end", { options: 2, answer: 0 });

const timed = (...steps: readonly (readonly [number, LessonStep])[]): LessonScript["steps"] =>
  steps.map(([minutes, step]) => ({ ...step, minutes }));

export const LESSONS: readonly LessonScript[] = [
  { id: "short", minutes: 5, steps: timed([1, together], [2, firstRounds], [1, byHeart], [1, end]) },
  {
    id: "middle",
    minutes: 20,
    steps: timed(
      [1, together],
      [2, whatTravels],
      [3, firstRounds],
      [4, slowRound],
      [2, whyLeaveOut],
      [2, byHeart],
      [3, guess],
      [2, tryIt],
      [1, end],
    ),
  },
  {
    id: "whole",
    minutes: 50,
    steps: timed(
      [2, together],
      [4, whatTravels],
      [4, firstRounds],
      [6, slowRound],
      [4, whyLeaveOut],
      [4, whoDecides],
      [4, byHeart],
      [6, guess],
      [4, tryIt],
      [3, sideBySide],
      [4, bet],
      [3, privacy],
      [2, end],
    ),
  },
];
