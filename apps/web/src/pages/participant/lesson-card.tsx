/** The slide that the teacher shows on every screen, with its question to answer here. */
import type { LessonSlide } from "@fedlodrop/protocol";
import type { Session } from "./session.ts";

interface LessonCardProps {
  readonly session: Session;
  readonly slide: LessonSlide;
}

export function LessonCard({ session, slide: { id, title, caption, question } }: LessonCardProps) {
  const { guess } = session.state.value;
  return (
    <section class="card wide lesson" data-testid="lesson" aria-live="polite">
      <h2>{title}</h2>
      {caption !== "" && <p>{caption}</p>}
      {question && (
        <>
          <p>
            <strong>{question.text}</strong>
          </p>
          <div class="row">
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
                {option}
              </button>
            ))}
          </div>
          {question.answer !== null && (
            <p class="headline" data-testid="verdict">
              {guess === null
                ? `It was: ${question.options[question.answer] ?? ""}.`
                : guess === question.answer
                  ? "You were right."
                  : `Not this time: it was ${question.options[question.answer] ?? ""}.`}
            </p>
          )}
        </>
      )}
    </section>
  );
}
