/** Text ↔ ids of one model. */
export interface Tokenizer {
  /** Ids of `text`, without special tokens. */
  encode(text: string): number[];
  /** Text of `ids`; special tokens are left out. */
  decode(ids: readonly number[]): string;
  readonly endOfTextId: number;
  /** What the model expects before and after a text: `<s>` or `[CLS]`, `[SEP]`; nothing for GPT-2. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}
