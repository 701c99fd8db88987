/** A place for one's own texts, pasted or from a file. They are read here, in the tab, and go to the tab's worker only. */

import { ownSamples } from "@fedlodrop/device/page";
import type { RunDescription } from "@fedlodrop/protocol";
import { TextFaultError } from "@fedlodrop/tasks";
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { sentences } from "../../ui/joined.ts";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import { faultWords } from "./fault-words.ts";
import { readOwnFile } from "./own-file.ts";
import type { Session } from "./session.ts";

interface OwnTextsProps {
  readonly session: Session;
  /** Null before joining, when the task is not yet known. */
  readonly task: RunDescription["task"] | null;
}

const PASTED = "pasted.txt";

export function OwnTextsBox({ session, task }: OwnTextsProps) {
  const problem = useSignal<Error | null>(null);
  const over = useSignal(false);
  const pasted = session.draft;
  // What is being typed must not close around its reader when it is cleared.
  const hadDraft = useRef(pasted.peek() !== "");
  const texts = session.ownTexts.value;
  const isWanted = session.state.value.textsWanted !== null;

  /** @returns false where it cannot be used, and why is shown */
  const use = async (bytes: Uint8Array, fileName: string): Promise<boolean> => {
    try {
      const read = await readOwnFile(bytes, fileName);
      if (task) ownSamples(read, task);
      session.useOwnTexts(read);
      problem.value = null;
      return true;
    } catch (error) {
      problem.value = error as Error;
      return false;
    }
  };
  const read = async (file: File | undefined): Promise<void> => {
    over.value = false;
    if (file) await use(new Uint8Array(await file.arrayBuffer()), file.name);
  };

  return (
    <section class="card" data-testid="own-texts">
      <details
        open={
          problem.value !== null || texts !== null || hadDraft.current || task?.textsFrom === "participants"
        }
      >
        <summary>{say("own.title")}</summary>
        <p>{say("own.promise")}</p>
        <form
          class="lanes"
          onSubmit={(event) => {
            event.preventDefault();
            void use(new TextEncoder().encode(pasted.value), PASTED).then((isUsed) => {
              if (isUsed) pasted.value = "";
            });
          }}
        >
          <label>
            <span class="field-name">
              <span>{say("own.paste")}</span>
              <span class="number">{say("own.characters", { count: pasted.value.length })}</span>
            </span>
            <textarea
              required
              rows={3}
              data-testid="own-paste"
              value={pasted.value}
              onInput={(event) => {
                pasted.value = event.currentTarget.value;
              }}
            />
          </label>
          <button type="submit">{say("own.use")}</button>
        </form>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way to what the file input does. */}
        <div
          class={over.value ? "drop over" : "drop"}
          onDragOver={(event) => {
            event.preventDefault();
            over.value = true;
          }}
          onDragLeave={() => {
            over.value = false;
          }}
          onDrop={(event) => {
            event.preventDefault();
            read(event.dataTransfer?.files[0]);
          }}
        >
          <label>
            <span>{say("own.file")}</span>
            <input
              type="file"
              accept=".txt,.jsonl,.csv,.tsv,.parquet"
              onChange={(event) => {
                read(event.currentTarget.files?.[0]);
                event.currentTarget.value = "";
              }}
            />
          </label>
        </div>
        {problem.value && (
          <div class="notice bad" role="alert">
            {sentences(
              say("own.unusable"),
              problem.value instanceof TextFaultError && faultWords(problem.value.fault),
            )}
            <Technical>{problem.value.message}</Technical>
          </div>
        )}
        {texts && (
          <p class="row between" role="status" data-testid="own-in-use">
            <span>
              {say(task === null ? "own.will" : isWanted ? "own.chosen" : "own.does", {
                file: texts.fileName,
                count: texts.rows.length,
              })}
            </span>
            <button type="button" class="quiet" onClick={() => session.useOwnTexts(null)}>
              {say(task?.textsFrom === "participants" ? "own.drop" : "own.back")}
            </button>
          </p>
        )}
      </details>
    </section>
  );
}
