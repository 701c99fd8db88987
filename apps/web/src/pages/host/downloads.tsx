/** The run's files. */
import { FileButton } from "../../ui/file-button.tsx";
import { term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";

export function Downloads({ hostKey }: { readonly hostKey: string }) {
  return (
    <div class="row">
      <FileButton path="api/adapter.safetensors" fileName="adapter.safetensors" token={hostKey}>
        {term("files.adapter")}
      </FileButton>
      <FileButton path="api/adapter-peft.zip" fileName="adapter-peft.zip" token={hostKey}>
        {term("files.peft")}
      </FileButton>
      <FileButton path="api/report" fileName="report.json" token={hostKey}>
        {say("files.report")}
      </FileButton>
    </div>
  );
}
