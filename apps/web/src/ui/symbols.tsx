/**
 * Researchers' terms and symbols behind the plain words, for those who know them: a choice that the browser remembers.
 * A text's term is the text of the same key after `term.`.
 */
import { signal } from "@preact/signals";
import { type Key, say, sayKnown } from "../words/words.ts";
import { browserStorage } from "./browser-storage.ts";

/** As in docs/paper-map.md; the same in every language. */
const SYMBOLS = {
  "rate.dropout": "γ",
  "rate.greatest": "γ max",
  "limit.deadline": "T max",
  "limit.energy": "E max",
  "settings.local-steps": "E",
  "settings.rank": "r",
  "bound.loss-range": "C",
  "bound.gradient-norm": "ρ",
  "bound.ridge": "λ",
  "bound.curvature": "Λ min",
  "bound.examples": "n",
  "bound.confidence": "δ",
  "bound.gap-scale": "κ",
  "bound.variance": "A",
  "bound.rate-cap": "θ",
} as const satisfies Partial<Record<Key, string>>;

const REMEMBERED = "fedlodrop.symbols";
const shown = signal(browserStorage().getItem(REMEMBERED) === "shown");

type TermOf<K> = K extends `term.${infer Of extends Key}` ? Of : never;
type Termed = TermOf<Key> | keyof typeof SYMBOLS;

const inPapers = (key: Termed): string =>
  [sayKnown(`term.${key}`, ""), key in SYMBOLS && SYMBOLS[key as keyof typeof SYMBOLS]]
    .filter(Boolean)
    .join(" ");

/** In plain words, with the researchers' behind them where they are wanted. */
export const term = (key: Termed): string =>
  shown.value ? say("symbols.behind", { name: say(key), term: inPapers(key) }) : say(key);

/** For whoever looks it up: what documents and reports call it. */
export const termInDocuments = (key: Termed): string => say("symbols.in-documents", { term: inPapers(key) });

/** A sentence for researchers alone. */
export const forResearchers = (sentence: string): string => (shown.value ? sentence : "");

/** A heading's or a figure's name, which tells its term to a pointer. */
export const Term = ({ of }: { readonly of: Termed }) => <span title={termInDocuments(of)}>{term(of)}</span>;

export function SymbolsToggle() {
  return (
    <label class="check">
      <input
        type="checkbox"
        data-testid="symbols"
        checked={shown.value}
        onChange={({ currentTarget: { checked } }) => {
          shown.value = checked;
          browserStorage().setItem(REMEMBERED, checked ? "shown" : "hidden");
        }}
      />
      {say("symbols.show")}
    </label>
  );
}
