/** One prompt, answered on this device by the base model and, once there is one, by the tuned model. */
import { BETWEEN_TEXTS } from "@fedlodrop/device/page";
import type { RunDescription } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { formatLoss, formatPercent } from "../../ui/format.ts";
import type { Session } from "./session.ts";
import type { Answer, Trial } from "./state.ts";

/** After "A" or "Or a". */
const ASKED: Readonly<Record<RunDescription["task"]["kind"], string>> = {
  "language-model": "few words to go on from",
  chat: "question to answer",
  classification: "text to label",
  regression: "text to estimate",
};

interface TryItProps {
  readonly session: Session;
  readonly run: RunDescription;
}

export function TryIt({ session, run: { task } }: TryItProps) {
  const { trial } = session.state.value;
  const prompt = useSignal("");
  const ask = (text: string): void => {
    prompt.value = text;
    session.tryPrompt(text);
  };
  const asked = ASKED[task.kind] + (task.pairs ? `, two with ${BETWEEN_TEXTS} between them` : "");
  const own = task.prompts.length > 0 ? `Or a ${asked}` : `A ${asked}`;
  return (
    <section class="card" data-testid="try-it">
      <h2>Try the model</h2>
      <div class="row">
        {task.prompts.map((example) => (
          <button
            key={example}
            type="button"
            class="example"
            data-testid="example"
            onClick={() => ask(example)}
          >
            {example}
          </button>
        ))}
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          ask(prompt.value);
        }}
      >
        <label>
          <span>{own}</span>
          <input
            required
            enterkeyhint="send"
            autocomplete="off"
            value={prompt.value}
            onInput={(event) => {
              prompt.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit">Ask</button>
      </form>
      {trial?.note && <p role="status">{trial.note}</p>}
      {trial && <Answers trial={trial} labels={task.labels} />}
    </section>
  );
}

function Answers({ trial, labels }: { readonly trial: Trial; readonly labels: readonly string[] }) {
  const { base, tuned, untrained, ownTextLoss } = trial;
  return (
    <div class="columns">
      {base && (
        <Side
          title={untrained ? "The model, not trained yet" : "Before training"}
          testId="answer-base"
          trial={trial}
          answer={base}
          ownTextLoss={ownTextLoss.base}
          labels={labels}
        />
      )}
      {tuned && (
        <Side
          title="After the last round"
          testId="answer-tuned"
          trial={trial}
          answer={tuned}
          ownTextLoss={ownTextLoss.tuned}
          labels={labels}
        />
      )}
    </div>
  );
}

interface SideProps {
  readonly title: string;
  readonly testId: string;
  readonly trial: Trial;
  readonly answer: Answer;
  readonly ownTextLoss: number | undefined;
  readonly labels: readonly string[];
}

function Side({ title, testId, trial, answer, ownTextLoss, labels }: SideProps) {
  return (
    <div>
      <h3>{title}</h3>
      <div class="answer" data-testid={testId}>
        {answer.kind === "text" ? (
          <>
            <mark>{trial.prompt}</mark>
            {answer.text}
            {!answer.done && " …"}
          </>
        ) : answer.kind === "value" ? (
          <strong class="number">{answer.value.toFixed(2)}</strong>
        ) : (
          <Labels labels={labels} probabilities={answer.probabilities} />
        )}
      </div>
      {ownTextLoss !== undefined && (
        <small class="number">
          Mistakes on the part of your text it never trained on: {formatLoss(ownTextLoss)}
        </small>
      )}
    </div>
  );
}

interface LabelsProps {
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
}

function Labels({ labels, probabilities }: LabelsProps) {
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
