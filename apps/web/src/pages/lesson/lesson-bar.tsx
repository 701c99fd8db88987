/** The teacher's bar: which lesson, which step, what was answered; whatever it shows is on every screen. */
import type { LessonView } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { say } from "../../words/words.ts";
import type { ReceivedView } from "../host/connection.ts";
import type { Command } from "../host/controls.tsx";
import { ModelsGuess, type Score, scoreOf } from "./models-guess.tsx";
import { LESSONS, type LessonScript } from "./script.ts";
import { guessesOf, type LessonPlace, placeOf, slideAt } from "./slides.ts";
import { SlowMotion } from "./slow-motion.tsx";

interface LessonBarProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
  readonly command: Command;
}

export function LessonBar({ view, hostKey, command }: LessonBarProps) {
  /** By the number of the text, so that one that is told again counts once. */
  const scores = useSignal<ReadonlyMap<number, Score>>(new Map());
  useEffect(() => {
    scores.value = new Map();
  }, [scores, view.runId]);
  const go = (to: LessonPlace | null): Promise<void> =>
    command({ kind: "lesson", slide: to && slideAt(to, view) });
  const at = view.lesson && placeOf(view.lesson.slide);
  const current = at?.script.steps[at.step];
  const game = current?.show === "guesses" ? guessesOf(view.rounds) : null;
  // The step was reached before there was anything to guess.
  const isBelated = game !== null && view.lesson?.slide.question === null;
  useEffect(() => {
    if (at && isBelated) go(at);
  }, [isBelated]);
  const begin = (script: LessonScript): void => {
    scores.value = new Map();
    go({ script, step: 0, told: false, text: 0 });
  };
  if (at === null) return <Choice choose={begin} />;
  const { script, step, told, text } = at;
  const last = step === script.steps.length - 1;
  return (
    <section class="lesson-bar card" aria-label={say("bar.region")} data-testid="lesson-bar">
      <div class="row between">
        <h2>
          {current && say(`step.${current.name}`)}{" "}
          <small class="number">{say("bar.step", { step: step + 1, steps: script.steps.length })}</small>
        </h2>
        <div class="row">
          <button
            type="button"
            disabled={step === 0}
            onClick={() => go({ script, step: step - 1, told: false, text: 0 })}
          >
            {say("back")}
          </button>
          <button
            type="button"
            class="primary"
            data-testid="lesson-next"
            onClick={() => go(last ? null : { script, step: step + 1, told: false, text: 0 })}
          >
            {say(last ? "bar.end" : "bar.next")}
          </button>
        </div>
      </div>
      <p>{view.lesson?.slide.caption}</p>
      {view.lesson && <Votes lesson={view.lesson} />}
      <div class="row">
        {view.lesson?.slide.question && !told && (
          <button
            type="button"
            data-testid="tell"
            onClick={() => {
              if (game && view.lesson)
                scores.value = new Map(scores.value).set(text, scoreOf(game, text, view.lesson.votes));
              go({ ...at, told: true });
            }}
          >
            {say("bar.tell")}
          </button>
        )}
        {game && told && text < game.guesses.length - 1 && (
          <button
            type="button"
            class="primary"
            data-testid="next-text"
            onClick={() => go({ ...at, told: false, text: text + 1 })}
          >
            {say("guess.next")}
          </button>
        )}
        {current?.act && (
          <button
            type="button"
            data-testid="lesson-act"
            onClick={() => current.act && command(current.act.command)}
          >
            {say(`act.${current.act.name}`)}
          </button>
        )}
      </div>
      {current?.show === "slow-round" && <SlowMotion view={view} hostKey={hostKey} />}
      {game && told && <ModelsGuess game={game} text={text} scores={[...scores.value.values()]} />}
    </section>
  );
}

function Choice({ choose }: { readonly choose: (script: LessonScript) => void }) {
  return (
    <section class="lesson-bar card row" aria-label={say("bar.region")} data-testid="lesson-bar">
      <h2>{say("bar.title")}</h2>
      {LESSONS.map((script) => (
        <button
          key={script.id}
          type="button"
          data-testid={`lesson-${script.id}`}
          onClick={() => choose(script)}
        >
          {say("bar.script", { title: say(`script.${script.id}`), count: script.steps.length })}
        </button>
      ))}
    </section>
  );
}

/** Characters that bold letters are too many for. */
const LONG = 100;

function Votes({ lesson: { slide, votes } }: { readonly lesson: LessonView }) {
  const { question } = slide;
  if (question === null) return null;
  const all = votes.reduce((sum, count) => sum + count, 0);
  return (
    <div data-testid="votes">
      <p class="asked" data-long={question.text.length > LONG || undefined}>
        <strong>{question.text}</strong> <small>{say("bar.answered", { count: all })}</small>
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
