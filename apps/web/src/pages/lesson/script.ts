/** Lessons as data: what each step tells, asks and does. A script is checked by a test, and played by `lesson-bar.tsx`. */
import type { HostCommand } from "@fedlodrop/protocol";

interface LessonStep {
  readonly title: string;
  readonly caption: string;
  readonly question?: {
    readonly text: string;
    readonly options: readonly string[];
    /** The right one. */
    readonly answer: number;
  };
  /** What the teacher's button does in this step. */
  readonly act?: { readonly label: string; readonly command: HostCommand };
  /** What stands on the teacher's screen beside the run. */
  readonly show?: "slow-round" | "guesses";
}

export interface LessonScript {
  readonly id: string;
  readonly minutes: number;
  readonly title: string;
  readonly steps: readonly LessonStep[];
}

const start = { label: "Start the run", command: { kind: "start" } } as const;
const compare = {
  label: "Set up both, side by side",
  command: { kind: "configure", config: { compareWith: { method: "fedlora", dropoutRate: 0 } } },
} as const;

const together: LessonStep = {
  title: "Many devices, one model",
  caption:
    "Each of your devices has texts that the others do not see. Together you teach one language model, and only numbers travel.",
};
const whatTravels: LessonStep = {
  title: "What leaves your device?",
  caption: "Think of a photo album that you would not hand over.",
  question: {
    text: "What does your device send to the coordinator?",
    options: ["its texts", "how some numbers of the model changed", "nothing"],
    answer: 1,
  },
};
const firstRounds: LessonStep = {
  title: "The first rounds",
  caption:
    "Watch your own screen: your device receives its share of the model, trains it on its texts and sends back what changed.",
  act: start,
};
const slowRound: LessonStep = {
  title: "One round, slowly",
  caption:
    "Blue cells are what a device keeps this round, grey ones are left out. Each device keeps others, and where several kept the same cell their changes are averaged.",
  show: "slow-round",
};
const whyLeaveOut: LessonStep = {
  title: "Why leave anything out?",
  caption: "What is left out is neither sent nor trained in this round.",
  question: {
    text: "What is gained when a device trains only a part of the numbers?",
    options: ["less to send, and less learning by heart", "more texts are read", "the model becomes larger"],
    answer: 0,
  },
};
const byHeart: LessonStep = {
  title: "Learning by heart",
  caption:
    "The filled gap in the chart is what the model knows of your texts beyond what it knows of new ones. A pupil who learns answers by heart has such a gap too.",
  question: {
    text: "Which curve tells whether the model got better at what it has never seen?",
    options: ["the one of the devices' own texts", "the one of unseen texts"],
    answer: 1,
  },
};
const guessBefore: LessonStep = {
  title: "You against the model",
  caption:
    "Read the text on the big screen and decide. Then we see what the model says, before and after training.",
  show: "guesses",
};
const sideBySide: LessonStep = {
  title: "With and without",
  caption:
    "The same devices, texts and seeds, by turns: one model with dropout, one without. The headline is computed from both.",
  act: compare,
};
const bet: LessonStep = {
  title: "Place your bets",
  caption: "Both models have begun at the same place.",
  question: {
    text: "Which one will make fewer mistakes on unseen texts in the end?",
    options: ["the one with dropout", "the one without", "both alike"],
    answer: 0,
  },
  act: start,
};
const whoDecides: LessonStep = {
  title: "Who drops how much?",
  caption:
    "The heat map shows what was left out on each device, round by round. A device with a slow link or little energy can be given more dropout, so that nobody waits for it.",
  question: {
    text: "A phone on a slow link: should it drop more or less than a fast laptop?",
    options: ["more: it has less to send then", "less: it has to catch up"],
    answer: 0,
  },
};
const privacy: LessonStep = {
  title: "Is that private?",
  caption:
    "Texts stay, but changes of numbers tell something about them too. Sums over many devices tell less, and noise hides the rest at the price of a slower lesson.",
  question: {
    text: "When could the coordinator learn most about one device?",
    options: ["when it is alone in a round", "when thirty take part", "never"],
    answer: 0,
  },
};
const tryIt: LessonStep = {
  title: "Try it",
  caption: "Ask the model on your own screen: it answers as it was and as it is now. Which words are new?",
};
const end: LessonStep = {
  title: "What we have made",
  caption:
    "One model, made by all of you, of texts that nobody had to hand over. Your part stands on your screen.",
};

export const LESSONS: readonly LessonScript[] = [
  { id: "short", minutes: 5, title: "Five minutes", steps: [together, firstRounds, byHeart, end] },
  {
    id: "middle",
    minutes: 20,
    title: "Twenty minutes",
    steps: [together, whatTravels, firstRounds, slowRound, whyLeaveOut, byHeart, guessBefore, tryIt, end],
  },
  {
    id: "whole",
    minutes: 50,
    title: "A whole lesson",
    steps: [
      ...[together, whatTravels, firstRounds, slowRound, whyLeaveOut, whoDecides, byHeart, guessBefore],
      ...[tryIt, sideBySide, bet, privacy, end],
    ],
  },
];
