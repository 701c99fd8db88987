/** The lesson that a host gives beside its run: the slide of now, and who has answered what. Nothing of it is stored. */
import type { Guess, LessonSlide, LessonView, Refused } from "@fedlodrop/protocol";
import { refused } from "../edge.ts";

export interface LessonRoom {
  /** What newcomers see too; null while there is no lesson. */
  readonly slide: LessonSlide | null;
  readonly view: LessonView | null;
  /** Moves every screen. */
  show(slide: LessonSlide | null): void;
  /** An answer may be changed until the right one is told. */
  answer(participantId: string, guess: Guess): Refused | null;
  forget(participantId: string): void;
}

interface LessonRoomOptions {
  /** To every participant. */
  tellAll(slide: LessonSlide | null): void;
  /** The host sees something else. */
  changed(): void;
}

export function createLessonRoom({ tellAll, changed }: LessonRoomOptions): LessonRoom {
  let view: LessonView | null = null;
  const choices = new Map<string, number>();

  function recount(slide: LessonSlide): void {
    const votes = (slide.question?.options ?? []).map(
      (_, option) => [...choices.values()].filter((choice) => choice === option).length,
    );
    view = { slide, votes };
    changed();
  }

  return {
    get slide() {
      return view?.slide ?? null;
    },
    get view() {
      return view;
    },
    show(slide) {
      if (slide?.id !== view?.slide.id) choices.clear();
      tellAll(slide);
      if (slide !== null) return recount(slide);
      view = null;
      changed();
    },
    answer(participantId, { slideId, choice }) {
      const question = view?.slide.id === slideId ? view.slide.question : null;
      if (view === null || question === null)
        return refused("wrong-state", `guess: slide ${slideId} asks nothing now`);
      if (question.answer !== null) return refused("wrong-state", "guess: the answer has been told");
      if (choice >= question.options.length)
        return refused(
          "bad-message",
          `guess: expected one of ${question.options.length} options, got number ${choice}`,
        );
      choices.set(participantId, choice);
      recount(view.slide);
      return null;
    },
    forget(participantId) {
      if (choices.delete(participantId) && view !== null) recount(view.slide);
    },
  };
}
