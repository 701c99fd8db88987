/** A lesson beside a run: what a teacher's page shows on every screen, and what pupils answer. The run knows nothing of it. */
import { z } from "zod";
import { cleanText } from "./clean-text.ts";

const shown = (longest: number) =>
  z
    .string()
    .max(10_000)
    .transform((text) => cleanText(text, longest));

export const lessonSlideSchema = z.object({
  /** Of its question: a slide of the same name keeps the answers. */
  id: z.string().min(1).max(64),
  /** In which it is written, as a language tag. */
  language: z
    .string()
    .max(35)
    .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/)
    .optional(),
  title: shown(120),
  caption: shown(800),
  /** Null only tells something. */
  question: z
    .object({
      text: shown(400),
      options: z.array(shown(100)).min(2).max(6).readonly(),
      /** The right one, once it is told; nobody answers any more then. */
      answer: z.int().min(0).max(5).nullable(),
    })
    .nullable(),
});
export type LessonSlide = z.infer<typeof lessonSlideSchema>;

export const guessSchema = z.object({ slideId: z.string().max(64), choice: z.int().min(0).max(5) });
export type Guess = z.infer<typeof guessSchema>;

/** What the teacher sees of it. */
export interface LessonView {
  readonly slide: LessonSlide;
  /** How many have chosen each option. */
  readonly votes: readonly number[];
}
