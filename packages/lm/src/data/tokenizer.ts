import type { ChatTurn } from "@fedlodrop/run";

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
  /** What it expects between two texts: `[SEP]`, `</s></s>`; a line break where its tokenizer has nothing. */
  readonly between: readonly number[];
  /** A conversation in the model's template, or in plain words without one: what is there when the answer begins, and the
   *  answer with what ends it. @throws one line when the template refuses the turns. */
  conversation(turns: readonly ChatTurn[], answer: string): Conversation;
}

export interface Conversation {
  readonly asked: readonly number[];
  readonly answer: readonly number[];
}
