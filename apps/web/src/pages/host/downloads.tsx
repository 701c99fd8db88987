/** The run's files. */
import { FileButton } from "../../ui/file-button.tsx";

export function Downloads({ hostKey }: { readonly hostKey: string }) {
  return (
    <div class="row">
      <FileButton path="api/adapter.safetensors" fileName="adapter.safetensors" token={hostKey}>
        Download the adapter
      </FileButton>
      <FileButton path="api/adapter-peft.zip" fileName="adapter-peft.zip" token={hostKey}>
        For Python (PEFT)
      </FileButton>
      <FileButton path="api/report" fileName="report.json" token={hostKey}>
        Download the report
      </FileButton>
    </div>
  );
}
