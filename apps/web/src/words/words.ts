/**
 * What the pages say, in the reader's language. A message is a text with {named} places, or one text for each plural form
 * of its {count}; English is the catalogue that keys and places are typed by, and only the chosen language is loaded.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { browserStorage } from "../ui/browser-storage.ts";
import { isAllKept } from "../ui/kept.ts";
import type { drawer } from "./en/drawer.ts";
import type { host } from "./en/host.ts";
import type { lesson } from "./en/lesson.ts";
import type { participant } from "./en/participant.ts";
import type { shared } from "./en/shared.ts";
import { chooseLanguage, type Language, localeFor } from "./languages.ts";

/** One text, or one for each plural form that the language has (Intl.PluralRules). */
export type Message =
  | string
  | ({ readonly [form in Intl.LDMLPluralRule]?: string } & { readonly other: string });
export type Messages = Readonly<Record<string, Message>>;
/** All of a catalogue's keys in another language. */
export type Translation<English> = { readonly [key in keyof English]: Message };
/** Fetches what one page says. */
export type Loader = Readonly<Record<Language, () => Promise<Messages>>>;

type English = typeof shared & typeof participant & typeof host & typeof drawer & typeof lesson;
export type Key = keyof English;
type TextOf<M> = M extends string ? M : M extends Readonly<Record<string, unknown>> ? M[keyof M] : never;
type Named<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Named<Rest> : never;
type Filled<K extends Key, Value> = [Named<TextOf<English[K]>>] extends [never]
  ? []
  : [filling: Readonly<Record<Named<TextOf<English[K]>>, Value>>];

interface Spoken {
  readonly language: Language;
  /** For Intl: the reader's own variety of the language where the browser tells it. */
  readonly locale: string;
  readonly messages: Messages;
  /** Making these takes a hundred times as long as using them, and a page says hundreds of things a second. */
  readonly numbers: Intl.NumberFormat;
  readonly plurals: Intl.PluralRules;
  /** Texts that have been said, in pieces: what stands between the places, and at the odd ones the places' names. */
  readonly pieces: Map<string, readonly string[]>;
}

const spoken = signal<Spoken | null>(null);
const REMEMBERED = "fedlodrop.language";
let loader: Loader | null = null;

/** Loads what the page says in the reader's language: call it once, before anything is drawn. */
export async function openWords(page: Loader): Promise<void> {
  loader = page;
  await load(chooseLanguage(browserStorage().getItem(REMEMBERED), navigator.languages ?? []));
}

/** `unkept`: it would take a reload, which would lose what has been typed here. */
export type Switched = "done" | "unavailable" | "unkept";

/** Everything that is shown changes in place. */
export async function switchLanguage(language: Language): Promise<Switched> {
  browserStorage().setItem(REMEMBERED, language);
  try {
    await load(language);
    return "done";
  } catch {
    // The pages may have been built anew, with other names for their files: the page as it is served now knows them.
    const isKept = browserStorage().getItem(REMEMBERED) === language;
    if (!isKept || !(await isServed())) return "unavailable";
    if (!isAllKept()) return "unkept";
    location.reload();
    return "done";
  }
}

const isServed = (): Promise<boolean> =>
  fetch(location.href, { cache: "no-store" }).then(
    ({ ok }) => ok,
    () => false,
  );

async function load(language: Language): Promise<void> {
  if (loader === null) throw new Error("words: expected openWords first");
  speak(language, await loader[language](), navigator.languages ?? []);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
}

/** Without a page around it, as tests do. */
export function speak(language: Language, messages: Messages, wanted: readonly string[] = []): void {
  const locale = localeFor(language, wanted);
  const numbers = new Intl.NumberFormat(locale);
  const plurals = new Intl.PluralRules(locale);
  spoken.value = { language, locale, messages, numbers, plurals, pieces: new Map() };
}

const now = (): Spoken => {
  if (spoken.value === null) throw new Error("words: expected openWords first");
  return spoken.value;
};

/** Components that read these are drawn anew when the language changes. */
export const languageNow = (): Language => now().language;
export const localeNow = (): string => now().locale;

/** Numbers are written as the reader writes them. */
export function say<K extends Key>(key: K, ...[filling]: Filled<K, string | number>): string {
  return pieces(key, filling).join("");
}

/** Likewise with elements in the named places. */
export function rich<K extends Key>(key: K, ...[filling]: Filled<K, ComponentChildren>): ComponentChildren {
  return pieces(key, filling);
}

/** A text that came in as a key and may be one that this page does not know: then as it was sent. */
export function sayKnown(key: string, sent: string): string {
  return Object.hasOwn(now().messages, key) ? say(key as Extract<Key, `task.${string}`>) : sent;
}

const PLACE = /\{([^}]+)\}/;

function pieces<Value>(
  key: string,
  filling: Readonly<Record<string, Value>> | undefined,
): (Value | string)[] {
  const { messages, numbers, plurals, pieces: known } = now();
  const message = messages[key];
  if (message === undefined) throw new Error(`words: expected a text for ${key}, got none`);
  const text =
    typeof message === "string"
      ? message
      : (message[plurals.select(Number(filling?.count))] ?? message.other);
  // Splitting at a group leaves what it matched at the odd places.
  const parts = known.get(text) ?? text.split(PLACE);
  known.set(text, parts);
  return parts.map((part, place) => {
    if (place % 2 === 0) return part;
    const value = filling?.[part];
    if (value === undefined) throw new Error(`words: ${key} wants {${part}}, got none`);
    return typeof value === "number" ? numbers.format(value) : value;
  });
}
