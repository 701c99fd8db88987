/** The run's files. */
import { FileButton } from "./file-button.tsx";

export function Downloads({ hostKey }: { readonly hostKey: string }) {
  return (
    <div class="row">
      <FileButton path="api/adapter.safetensors" fileName="adapter.safetensors" hostKey={hostKey}>
        Download the adapter
      </FileButton>
      <FileButton path="api/report" fileName="report.json" hostKey={hostKey}>
        Download the report
      </FileButton>
    </div>
  );
}
