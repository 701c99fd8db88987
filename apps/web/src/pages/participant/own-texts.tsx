/** A place to drop one's own texts. The file is read here, in the tab, and goes to the tab's worker only. */
import type { RunDescription } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { ownSamples } from "../../device/own-samples.ts";
import { formatCount } from "../../ui/format.ts";
import { readOwnFile } from "./own-file.ts";
import type { Session } from "./session.ts";

interface OwnTextsProps {
  readonly session: Session;
  /** Null before joining, when the task is not yet known. */
  readonly task: RunDescription["task"] | null;
}

export function OwnTextsBox({ session, task }: OwnTextsProps) {
  const problem = useSignal<string | null>(null);
  const over = useSignal(false);
  const texts = session.ownTexts.value;

  const read = async (file: File | undefined): Promise<void> => {
    over.value = false;
    if (!file) return;
    try {
      const read = readOwnFile(new Uint8Array(await file.arrayBuffer()), file.name);
      if (task) ownSamples(read, task);
      session.useOwnTexts(read);
      problem.value = null;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };

  return (
    <section class="card">
      <details open={problem.value !== null || texts !== null || task?.textsFrom === "participants"}>
        <summary>Train on your own texts</summary>
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
            <span>Drop a .txt, .jsonl or .csv file here, or choose one. It never leaves this tab.</span>
            <input
              type="file"
              accept=".txt,.jsonl,.csv,.tsv"
              onChange={(event) => {
                read(event.currentTarget.files?.[0]);
                event.currentTarget.value = "";
              }}
            />
          </label>
        </div>
        {problem.value && (
          <p class="notice bad" role="alert">
            {problem.value}
          </p>
        )}
        {texts && (
          <p class="row between">
            <span>
              Training on {texts.fileName}: {formatCount(texts.rows.length)}{" "}
              {texts.rows.length === 1 ? "text" : "texts"}.
            </span>
            <button type="button" class="quiet" onClick={() => session.useOwnTexts(null)}>
              Use the texts of the task again
            </button>
          </p>
        )}
      </details>
    </section>
  );
}
