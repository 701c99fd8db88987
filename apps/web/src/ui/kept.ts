/**
 * What somebody has typed, set or chosen here and that only this tab has: it outlasts its part of the screen, and a
 * reload too where the tab may store it. Where it may not, or it is too much, the browser asks before the page goes.
 */
import { effect, type Signal, signal } from "@preact/signals";
import { type StorageLike, tabStorage } from "./browser-storage.ts";

const all: (() => boolean)[] = [];

/** False while a reload of the page would lose something. */
export const isAllKept = (): boolean => all.every((isKept) => isKept());

/** One for each key: call it once for the whole page. */
export function keptText(key: string, storage: StorageLike = tabStorage()): Signal<string> {
  if (all.length === 0)
    globalThis.addEventListener?.("beforeunload", (event) => {
      if (!isAllKept()) event.preventDefault();
    });
  const text = signal(storage.getItem(key) ?? "");
  effect(() => {
    // Where there is no room for it the one before must not come back in its place.
    storage.setItem(key, "");
    if (text.value !== "") storage.setItem(key, text.value);
  });
  all.push(() => text.value === (storage.getItem(key) ?? ""));
  return text;
}
