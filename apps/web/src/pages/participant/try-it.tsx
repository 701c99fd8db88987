/** One prompt, answered on this device by the base model and, once there is one, by the tuned model. */
import { BETWEEN_TEXTS } from "@fedlodrop/device/page";
import type { RunDescription } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { formatFixed, formatLoss, formatPercent } from "../../ui/format.ts";
import { labelName } from "../../ui/task-words.ts";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import type { Session } from "./session.ts";
import type { Answer, Trial } from "./trial.ts";

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
  const asked = say(task.prompts.length > 0 ? `try.${task.kind}-or` : `try.${task.kind}`);
  const own = task.pairs ? say("try.pairs", { asked, between: BETWEEN_TEXTS }) : asked;
  return (
    <section class="card" data-testid="try-it">
      <h2>{say("try.title")}</h2>
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
        <button type="submit">{say("try.ask")}</button>
      </form>
      {trial?.note && (
        <div role="status">
          <Note note={trial.note} />
        </div>
      )}
      {trial && <Answers trial={trial} labels={task.labels} />}
    </section>
  );
}

function Note({ note }: { readonly note: NonNullable<Trial["note"]> }) {
  switch (note.kind) {
    case "failed":
      return (
        <>
          {say("try.failed")} <Technical>{note.message}</Technical>
        </>
      );
    case "one-text":
      return <>{say("try.one-text", { between: BETWEEN_TEXTS })}</>;
    default:
      return <>{say(`try.${note.kind}`)}</>;
  }
}

function Answers({ trial, labels }: { readonly trial: Trial; readonly labels: readonly string[] }) {
  const { base, tuned, untrained, ownTextLoss } = trial;
  return (
    <div class="columns">
      {base && (
        <Side
          title={say(untrained ? "try.untrained" : "try.before")}
          testId="answer-base"
          trial={trial}
          answer={base}
          ownTextLoss={ownTextLoss.base}
          labels={labels}
        />
      )}
      {tuned && (
        <Side
          title={say("try.after")}
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
          <strong class="number">{formatFixed(answer.value, 2)}</strong>
        ) : (
          <Labels labels={labels} probabilities={answer.probabilities} />
        )}
      </div>
      {ownTextLoss !== undefined && (
        <small class="number">{say("try.own-loss", { loss: formatLoss(ownTextLoss) })}</small>
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
            {i === best ? <strong>{labelName(label)}</strong> : <span>{labelName(label)}</span>}
            <span class="number">{formatPercent(probabilities[i] ?? 0)}</span>
          </span>
          <progress max={1} value={probabilities[i] ?? 0} />
        </label>
      ))}
    </div>
  );
}
