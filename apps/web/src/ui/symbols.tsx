/** The paper's symbols beside the plain words, for those who know them: a choice that the browser remembers. */
import { signal } from "@preact/signals";
import { type Key, say } from "../words/words.ts";
import { browserStorage } from "./browser-storage.ts";

/** As in docs/paper-map.md. */
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

/** A quantity's plain name, with its symbol behind it where symbols are wanted. */
export const term = (key: keyof typeof SYMBOLS): string =>
  shown.value ? `${say(key)} ${SYMBOLS[key]}` : say(key);

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
