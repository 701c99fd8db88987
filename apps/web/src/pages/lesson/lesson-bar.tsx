/** The teacher's bar: which lesson, which step, what was answered; whatever it shows is on every screen. */
import type { HostCommand, LessonView } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { formatPercent } from "../../ui/format.ts";
import type { ReceivedView } from "../host/connection.ts";
import { LESSONS, type LessonScript } from "./script.ts";
import { guessesOf, type LessonPlace, slideAt } from "./slides.ts";
import { SlowMotion } from "./slow-motion.tsx";

interface LessonBarProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
  readonly command: (command: HostCommand) => void;
}

export function LessonBar({ view, hostKey, command }: LessonBarProps) {
  const place = useSignal<LessonPlace | null>(null);
  const go = (to: LessonPlace | null): void => {
    place.value = to;
    command({ kind: "lesson", slide: to && slideAt(to, view.rounds) });
  };
  const at = place.value;
  if (at === null) return <Choice choose={(script) => go({ script, step: 0, told: false })} />;
  const { script, step, told } = at;
  const current = script.steps[step];
  const last = step === script.steps.length - 1;
  return (
    <section class="lesson-bar card" aria-label="Lesson" data-testid="lesson-bar">
      <div class="row between">
        <h2>
          {current?.title}{" "}
          <small class="number">
            {step + 1} of {script.steps.length}
          </small>
        </h2>
        <div class="row">
          <button
            type="button"
            disabled={step === 0}
            onClick={() => go({ script, step: step - 1, told: false })}
          >
            Back
          </button>
          <button
            type="button"
            class="primary"
            data-testid="lesson-next"
            onClick={() => go(last ? null : { script, step: step + 1, told: false })}
          >
            {last ? "End the lesson" : "Next"}
          </button>
        </div>
      </div>
      <p>{current?.caption}</p>
      {view.lesson && <Votes lesson={view.lesson} />}
      <div class="row">
        {view.lesson?.slide.question && !told && (
          <button type="button" data-testid="tell" onClick={() => go({ ...at, told: true })}>
            Tell the answer
          </button>
        )}
        {current?.act && (
          <button
            type="button"
            data-testid="lesson-act"
            onClick={() => current.act && command(current.act.command)}
          >
            {current.act.label}
          </button>
        )}
      </div>
      {current?.show === "slow-round" && <SlowMotion view={view} hostKey={hostKey} />}
      {current?.show === "guesses" && told && <ModelsGuess view={view} />}
    </section>
  );
}

function Choice({ choose }: { readonly choose: (script: LessonScript) => void }) {
  return (
    <section class="lesson-bar card row" aria-label="Lesson" data-testid="lesson-bar">
      <h2>Lesson</h2>
      {LESSONS.map((script) => (
        <button
          key={script.id}
          type="button"
          data-testid={`lesson-${script.id}`}
          onClick={() => choose(script)}
        >
          {script.title}, {script.steps.length} steps
        </button>
      ))}
    </section>
  );
}

function Votes({ lesson: { slide, votes } }: { readonly lesson: LessonView }) {
  const { question } = slide;
  if (question === null) return null;
  const all = votes.reduce((sum, count) => sum + count, 0);
  return (
    <div data-testid="votes">
      <p>
        <strong>{question.text}</strong> <small>{all} answered</small>
      </p>
      <div class="lanes">
        {question.options.map((option, k) => (
          <label key={option}>
            <span class="field-name">
              <span>
                {question.answer === k && "✓ "}
                {option}
              </span>
              <span class="number">{votes[k] ?? 0}</span>
            </span>
            <progress max={Math.max(1, all)} value={votes[k] ?? 0} />
          </label>
        ))}
      </div>
    </div>
  );
}

/** What the model says of the text that the class has guessed, before and after training. */
function ModelsGuess({ view }: { readonly view: ReceivedView }) {
  const game = guessesOf(view.rounds);
  const [first] = game?.guesses ?? [];
  if (game === null || first === undefined) return null;
  const said = (probabilities: readonly number[]): string => {
    const best = probabilities.indexOf(Math.max(...probabilities));
    return `${game.labels[best] ?? "?"} (${formatPercent(probabilities[best] ?? 0)})`;
  };
  return (
    <p data-testid="models-guess">
      The model said <strong>{said(first.base)}</strong> before training, and says{" "}
      <strong>{said(first.tuned)}</strong> now.
    </p>
  );
}
