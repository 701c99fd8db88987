/** A file of the run, which only members of the run get: a plain link could not show it. */
import { useSignal } from "@preact/signals";
import { say } from "../words/words.ts";
import { siteUrl } from "./site.ts";

interface FileButtonProps {
  /** Below the site, without a slash before it. */
  readonly path: string;
  readonly fileName: string;
  /** The host key or a participant's session token. */
  readonly token: string;
  readonly children: string;
}

export function FileButton({ path, fileName, token, children }: FileButtonProps) {
  const problem = useSignal<string | null>(null);
  const failed = (why: string): void => {
    problem.value = say("file.failed", { file: fileName, why });
  };
  const save = async (): Promise<void> => {
    problem.value = null;
    try {
      const response = await fetch(`${siteUrl()}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (response.ok) saveAs(await response.blob(), fileName);
      else failed(say("file.no-answer", { status: String(response.status) }));
    } catch {
      failed(say("file.no-connection"));
    }
  };
  return (
    <>
      <button type="button" onClick={save} data-testid={`save-${fileName}`}>
        {children}
      </button>
      {problem.value && <small role="alert">{problem.value}</small>}
    </>
  );
}

function saveAs(content: Blob, fileName: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = fileName;
  link.click();
  // The download has its own hold on the content by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
