/** The teacher's bar: which lesson, which step, what was answered; whatever it shows is on every screen. */
import type { LessonView } from "@fedlodrop/protocol";
import { say } from "../../words/words.ts";
import { CommandButton } from "../host/command-button.tsx";
import type { ReceivedView } from "../host/connection.ts";
import type { Command } from "../host/controls.tsx";
import type { Lesson } from "./lesson.ts";
import { ModelsGuess } from "./models-guess.tsx";
import { LESSONS, type LessonScript } from "./script.ts";
import { SlowMotion } from "./slow-motion.tsx";

interface LessonBarProps {
  readonly lesson: Lesson;
  readonly view: ReceivedView;
  readonly hostKey: string;
  readonly command: Command;
}

export function LessonBar({ lesson, view, hostKey, command }: LessonBarProps) {
  const at = lesson.place.value;
  const game = lesson.game.value;
  if (at === null) return <Choice choose={lesson.begin} />;
  const { script, step, told, text } = at;
  const current = script.steps[step];
  const last = step === script.steps.length - 1;
  return (
    <section class="lesson-bar card" aria-label={say("bar.region")} data-testid="lesson-bar">
      <div class="row between">
        <h2>
          {current && say(`step.${current.name}`)}{" "}
          <small class="number">
            {say("bar.step", { step: step + 1, steps: script.steps.length, count: current?.minutes ?? 0 })}
          </small>
        </h2>
        <div class="row">
          <button type="button" disabled={step === 0} onClick={() => lesson.step(-1)}>
            {say("back")}
          </button>
          <button type="button" class="primary" data-testid="lesson-next" onClick={() => lesson.step(1)}>
            {say(last ? "bar.end" : "bar.next")}
          </button>
        </div>
      </div>
      <p>{view.lesson?.slide.caption}</p>
      {view.lesson && <Votes lesson={view.lesson} />}
      <div class="row">
        {lesson.unanswered.value && (
          <p class="muted" data-testid="tell-later">
            {say(`bar.tell-${lesson.unanswered.value}`)}
          </p>
        )}
        {lesson.canTell.value && (
          <button type="button" data-testid="tell" onClick={lesson.tell}>
            {say("bar.tell")}
          </button>
        )}
        {game && told && text < game.guesses.length - 1 && (
          <button type="button" class="primary" data-testid="next-text" onClick={lesson.nextText}>
            {say("guess.next")}
          </button>
        )}
        {current?.act && (
          <CommandButton command={command} ask={current.act.command} testId="lesson-act">
            {say(`act.${current.act.name}`)}
          </CommandButton>
        )}
      </div>
      {current?.show === "slow-round" && <SlowMotion view={view} hostKey={hostKey} />}
      {game && told && <ModelsGuess game={game} text={text} scores={lesson.scores.value} />}
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
