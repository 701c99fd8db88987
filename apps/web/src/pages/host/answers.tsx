/** What the model says now: its answer to one prompt beside the base model's, and what it makes of an unseen sentence. */
import { type RoundRecord, type RoundSample, turnOf } from "@fedlodrop/run";
import { changedWords } from "../../ui/changed-words.ts";
import { formatFixed, formatPercent } from "../../ui/format.ts";
import { labelName } from "../../ui/task-words.ts";
import { rich, say } from "../../words/words.ts";
import { likelier, oneIn } from "./likelier.ts";

interface AnswersProps {
  readonly rounds: readonly RoundRecord[];
}

export function Answers({ rounds }: AnswersProps) {
  const shown = rounds.filter(({ evaluation }) => evaluation?.sample != null);
  const [last, before] = [shown.at(-1), shown.at(-2)];
  const sample = last?.evaluation?.sample;
  if (last === undefined || sample == null) return null;
  return (
    <section class="card answers" data-testid="answers">
      <h2>{say(sample.kind === "text" ? "answers.title" : "answers.judges", { round: turnOf(last) })}</h2>
      {sample.kind === "text" && <Texts sample={sample} before={before?.evaluation?.sample ?? null} />}
      {sample.kind === "labels" && <Guesses sample={sample} />}
      {sample.kind === "values" && <Estimates sample={sample} />}
    </section>
  );
}

type Of<Kind extends RoundSample["kind"]> = Extract<RoundSample, { kind: Kind }>;

function Texts({ sample, before }: { readonly sample: Of<"text">; readonly before: RoundSample | null }) {
  const { prompt, base, tuned, unseen } = sample;
  const earlier = before?.kind === "text" ? before.tuned : base;
  return (
    <>
      <div class="columns">
        <figure>
          <figcaption>{say("answers.before")}</figcaption>
          <blockquote data-testid="writes-base">
            <b>{prompt}</b>
            {base}
          </blockquote>
        </figure>
        <figure>
          <figcaption>{say("answers.now")}</figcaption>
          <blockquote data-testid="writes-tuned">
            <b>{prompt}</b>
            {changedWords(earlier, tuned).map(({ text, changed }, k) =>
              changed ? <mark key={k}>{text}</mark> : <span key={k}>{text}</span>,
            )}
          </blockquote>
        </figure>
      </div>
      {unseen && (
        <p data-testid="unseen">
          {rich("answers.unseen", { sentence: <q>{unseen.text}</q> })}{" "}
          {rich("answers.chance", {
            count: unseen.tokens,
            before: oneIn(unseen.baseNats),
            now: <strong>{oneIn(unseen.tunedNats)}</strong>,
            likelier: likelier(unseen.tokens * (unseen.baseNats - unseen.tunedNats)),
          })}
        </p>
      )}
    </>
  );
}

/** Texts that one screen has room for beside the stage; a lesson's game has them all. */
const MOST_SHOWN = 4;

function Guesses({ sample: { guesses, labels } }: { readonly sample: Of<"labels"> }) {
  return (
    <ul class="guesses">
      {guesses.slice(0, MOST_SHOWN).map(({ text, label, tuned }) => {
        const best = tuned.indexOf(Math.max(...tuned));
        return (
          <li key={text} class={best === label ? "right" : "wrong"}>
            <q>{text}</q>{" "}
            <strong>
              {best === label ? "✓" : "✗"} {nameOf(labels, best)}{" "}
              <span class="number">{formatPercent(tuned[best] ?? 0)}</span>
            </strong>
            {best !== label && <small> {say("answers.truth", { label: nameOf(labels, label) })}</small>}
          </li>
        );
      })}
    </ul>
  );
}

const nameOf = (labels: readonly string[], label: number): string =>
  labelName(labels[label] ?? say("answers.label", { number: label + 1 }));

function Estimates({ sample: { guesses } }: { readonly sample: Of<"values"> }) {
  return (
    <ul class="guesses">
      {guesses.slice(0, MOST_SHOWN).map(({ text, value, tuned }) => (
        <li key={text}>
          <q>{text}</q> <strong class="number">{say("unit.about", { value: formatFixed(tuned, 2) })}</strong>{" "}
          <small>{say("answers.truth", { label: formatFixed(value, 2) })}</small>
        </li>
      ))}
    </ul>
  );
}
