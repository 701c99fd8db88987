/** The one place of the host's page that speaks by itself of the run. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { announcer } from "./announcements.ts";
import type { ReceivedView } from "./connection.ts";

export function Announced({ view }: { readonly view: ReceivedView }) {
  const words = useSignal("");
  const tell = useMemo(
    () =>
      announcer((said) => {
        words.value = said;
      }),
    [words],
  );
  useEffect(() => tell(view), [view, tell]);
  return (
    <p class="unseen" role="status" data-testid="announced">
      {words.value}
    </p>
  );
}
