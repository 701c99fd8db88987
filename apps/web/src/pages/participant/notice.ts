/** How long something that is told beside the screen stays: it goes with a change of the screen, news not before they have been read. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { Notice } from "./state.ts";

/** To see that there is something, and to read it without haste. */
export const READING_MS = 15_000;

/** What a device that gets on leaves of it: what was refused has come right meanwhile. */
export const stillTold = (notice: Notice | null): Notice | null =>
  notice === null || notice.kind === "refused" || notice.isRead ? null : notice;

/** @returns ends it */
export function watchReading(
  notice: ReadonlySignal<Notice | null>,
  tell: (read: Notice) => void,
): () => void {
  return effect(() => {
    const told = notice.value;
    if (told === null || told.isRead) return;
    const timer = setTimeout(() => tell({ ...told, isRead: true }), READING_MS);
    return () => clearTimeout(timer);
  });
}
