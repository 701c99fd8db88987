/** One prompt, two answers: the base model's and the tuned one's, computed on this device. */
import type { RunDescription } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { formatLoss, formatPercent } from "../../ui/format.ts";
import type { Session } from "./session.ts";
import type { Answer, Trial } from "./state.ts";

interface TryItProps {
  readonly session: Session;
  readonly run: RunDescription;
}

export function TryIt({ session, run: { task } }: TryItProps) {
  const { trial } = session.state.value;
  const prompt = useSignal(task.prompts[0] ?? "");
  const ask = (event: Event): void => {
    event.preventDefault();
    session.tryPrompt(prompt.value);
  };
  return (
    <section class="card" data-testid="try-it">
      <h2>Try the model</h2>
      <form class="row" onSubmit={ask}>
        <label>
          <span>{task.kind === "classification" ? "A text to label" : "An opening to continue"}</span>
          <textarea
            required
            rows={2}
            value={prompt.value}
            onInput={(event) => {
              prompt.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit">Ask both</button>
      </form>
      <p class="row">
        <small>Examples:</small>
        {task.prompts.map((example) => (
          <button
            key={example}
            type="button"
            class="quiet example"
            onClick={() => {
              prompt.value = example;
            }}
          >
            {example}
          </button>
        ))}
      </p>
      {trial?.note && <p role="status">{trial.note}</p>}
      {trial && (
        <div class="columns">
          <Side
            title="Base model"
            sentence="as it was before this run"
            trial={trial}
            answer={trial.base}
            ownTextLoss={trial.ownTextLoss.base}
            labels={task.labels}
          />
          <Side
            title="Tuned model"
            sentence="with the adapter as of the last round"
            trial={trial}
            answer={trial.tuned}
            ownTextLoss={trial.ownTextLoss.tuned}
            labels={task.labels}
          />
        </div>
      )}
    </section>
  );
}

interface SideProps {
  readonly title: string;
  readonly sentence: string;
  readonly trial: Trial;
  readonly answer: Answer | null;
  readonly ownTextLoss: number | undefined;
  readonly labels: readonly string[];
}

function Side({ title, sentence, trial, answer, ownTextLoss, labels }: SideProps) {
  return (
    <div>
      <h3>
        {title} <small>{sentence}</small>
      </h3>
      <div class="answer" data-testid={title === "Base model" ? "answer-base" : "answer-tuned"}>
        {answer?.kind === "text" && (
          <>
            <mark>{trial.prompt}</mark>
            {answer.text}
            {!answer.done && " …"}
          </>
        )}
        {answer?.kind === "labels" && <Labels labels={labels} probabilities={answer.probabilities} />}
      </div>
      {ownTextLoss !== undefined && (
        <small class="number">
          Loss on the part of your file it never trained on: {formatLoss(ownTextLoss)}
        </small>
      )}
    </div>
  );
}

function Labels({
  labels,
  probabilities,
}: {
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
}) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  return (
    <div class="lanes">
      {labels.map((label, i) => (
        <label key={label}>
          <span class="field-name">
            {i === best ? <strong>{label}</strong> : <span>{label}</span>}
            <span class="number">{formatPercent(probabilities[i] ?? 0)}</span>
          </span>
          <progress max={1} value={probabilities[i] ?? 0} />
        </label>
      ))}
    </div>
  );
}
