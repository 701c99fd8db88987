/** The slide that the teacher shows on every screen, with its question to answer here. */
import type { LessonSlide } from "@fedlodrop/protocol";
import { say } from "../../words/words.ts";
import type { Session } from "./session.ts";

interface LessonCardProps {
  readonly session: Session;
  readonly slide: LessonSlide;
}

export function LessonCard({ session, slide: { id, language, title, caption, question } }: LessonCardProps) {
  const { guess } = session.state.value;
  return (
    <section class="card wide lesson" data-testid="lesson" aria-live="polite">
      <h2 lang={language}>{title}</h2>
      {caption !== "" && <p lang={language}>{caption}</p>}
      {question && (
        <>
          <p>
            <strong lang={language}>{question.text}</strong>
          </p>
          <div class="row options">
            {question.options.map((option, choice) => (
              <button
                key={option}
                type="button"
                class={guess === choice ? "primary" : ""}
                aria-pressed={guess === choice}
                data-testid={`option-${choice}`}
                disabled={question.answer !== null}
                onClick={() => session.guess(id, choice)}
              >
                {question.answer === choice && "✓ "}
                <span lang={language}>{option}</span>
              </button>
            ))}
          </div>
          {question.answer !== null && (
            <p class="headline" data-testid="verdict">
              {guess === null
                ? say("lesson.it-was", { answer: question.options[question.answer] ?? "" })
                : guess === question.answer
                  ? say("lesson.right")
                  : say("lesson.wrong", { answer: question.options[question.answer] ?? "" })}
            </p>
          )}
        </>
      )}
    </section>
  );
}
