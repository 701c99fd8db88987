/** Text ↔ ids of one model. */
export interface Tokenizer {
  /** Ids of `text`, without special tokens. */
  encode(text: string): number[];
  /** Text of `ids`; special tokens are left out. */
  decode(ids: readonly number[]): string;
  readonly endOfTextId: number;
}
