/** The lesson's one store: where the class is, what the teacher can do, and who was right in the guessing game so far. */
import type { LessonSlide } from "@fedlodrop/protocol";
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { type StorageLike, tabStorage } from "../../ui/browser-storage.ts";
import type { HostConnection } from "../host/connection.ts";
import { keepScores, keptScores, type Scores } from "./kept-scores.ts";
import { type Score, scoreOf } from "./score.ts";
import type { LessonScript } from "./script.ts";
import { type Game, guessesOf, type LessonPlace, placeOf, slideAt } from "./slides.ts";

export interface Lesson {
  /** Null while there is none. */
  readonly place: ReadonlySignal<LessonPlace | null>;
  /** Null where another step stands, or where there is nothing to guess. */
  readonly game: ReadonlySignal<Game | null>;
  /** Its question has a right answer that has not been told; some are the run's to give, when it is over. */
  readonly canTell: ReadonlySignal<boolean>;
  /** Its question has none yet: `never` of a run that ended too early to give it. */
  readonly unanswered: ReadonlySignal<"later" | "never" | null>;
  /** Of the texts whose labels were told. */
  readonly scores: ReadonlySignal<readonly Score[]>;
  begin(script: LessonScript): void;
  /** Beyond the last step the lesson ends. */
  step(steps: 1 | -1): void;
  tell(): void;
  nextText(): void;
}

export function openLesson(
  { view, command }: Pick<HostConnection, "view" | "command">,
  storage: StorageLike = tabStorage(),
): Lesson {
  const place = computed(() => {
    const lesson = view.value?.lesson;
    return lesson ? placeOf(lesson.slide) : null;
  });
  const game = computed(() => {
    const at = place.value;
    const isPlayed = at?.script.steps[at.step]?.show === "guesses";
    return view.value && isPlayed ? guessesOf(view.value.rounds) : null;
  });
  /** By the number of the text, so that one that is told again counts once. */
  const scores = signal<Scores>(new Map());
  const keep = (now: Scores): void => {
    scores.value = now;
    const runId = view.peek()?.runId;
    if (runId !== undefined) keepScores(storage, runId, now);
  };
  const go = (to: LessonPlace | null): void => {
    const now = view.peek();
    if (now !== null) void command({ kind: "lesson", slide: to && slideAt(to, now) });
  };
  /** From where the class is. */
  const goOn = (change: (at: LessonPlace) => LessonPlace | null): void => {
    const at = place.peek();
    if (at !== null) go(change(at));
  };

  /** With the text that is told now, by the votes that the coordinator has of it. */
  const withPresent = (before: Scores): Scores => {
    const [at, played, lesson] = [place.peek(), game.peek(), view.peek()?.lesson];
    return at && played && lesson
      ? new Map(before).set(at.text, scoreOf(played, at.text, lesson.votes))
      : before;
  };
  let isOpenedAnew = true;
  computed(() => view.value?.runId).subscribe((runId) => {
    if (runId === undefined) return;
    const kept = keptScores(storage, runId);
    const at = place.peek();
    // What a tab that has kept nothing of it can know.
    scores.value = isOpenedAnew && at?.told && !kept.has(at.text) ? withPresent(kept) : kept;
    isOpenedAnew = false;
  });
  const questionAt = (told: boolean): LessonSlide["question"] => {
    const [at, now] = [place.value, view.value];
    return at && now && (slideAt({ ...at, told }, now)?.question ?? null);
  };
  const canTell = computed(() => place.value?.told === false && questionAt(true)?.answer != null);
  const unanswered = computed(() => {
    if (place.value?.told !== false || canTell.value || !view.value?.lesson?.slide.question) return null;
    return view.value.phase === "ended" ? "never" : "later";
  });
  // The step was reached before there was anything to ask.
  const isBelated = computed(() => view.value?.lesson?.slide.question === null && questionAt(false) !== null);
  effect(() => {
    if (isBelated.value) goOn((at) => at);
  });

  return {
    place,
    game,
    canTell,
    unanswered,
    scores: computed(() => [...scores.value.values()]),
    begin(script) {
      keep(new Map());
      go({ script, step: 0, told: false, text: 0 });
    },
    step(steps) {
      goOn(({ script, step }) => {
        const to = step + steps;
        return script.steps[to] === undefined ? null : { script, step: to, told: false, text: 0 };
      });
    },
    tell() {
      keep(withPresent(scores.peek()));
      goOn((now) => ({ ...now, told: true }));
    },
    nextText: () => goOn((at) => ({ ...at, told: false, text: at.text + 1 })),
  };
}
