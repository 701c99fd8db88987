/**
 * How a model wants a conversation written: its own Jinja template (tokenizer_config.json or chat_template.jinja) through
 * @huggingface/jinja, or plain lines for a model without one.
 */

import type { ChatTurn } from "@fedlodrop/run";
import { Template } from "@huggingface/jinja";

export interface WrittenConversation {
  /** All up to where the answer begins. */
  readonly asked: string;
  /** The answer, and what ends it. */
  readonly answer: string;
}

export type WriteConversation = (turns: readonly ChatTurn[], answer: string) => WrittenConversation;

/** @param tokenizerConfig parsed tokenizer_config.json @param file chat_template.jinja, which comes before what is in there
 *  @returns null where there is no template @throws one line when it is none */
export function chatTemplate(tokenizerConfig: unknown, file: string | null): WriteConversation | null {
  const config = (tokenizerConfig ?? {}) as Readonly<Record<string, unknown>>;
  const source = file ?? templateIn(config.chat_template);
  if (source === null) return null;
  const template = said("cannot be read", () => new Template(source));
  const specials = Object.fromEntries(
    ["bos_token", "eos_token", "pad_token", "unk_token"].map((name) => [name, contentOf(config[name])]),
  );
  const render = (messages: readonly ChatTurn[], isAnswerNext: boolean): string =>
    said("refuses the conversation", () =>
      template.render({ ...specials, messages: [...messages], add_generation_prompt: isAnswerNext }),
    );
  return (turns, answer) => {
    const asked = render(turns, true);
    const whole = render([...turns, { role: "assistant", content: answer }], false);
    if (!whole.startsWith(asked))
      throw new Error("chat template: expected a conversation to begin with what asks for its last answer");
    return { asked, answer: whole.slice(asked.length) };
  };
}

const SPEAKERS: Readonly<Record<ChatTurn["role"], string>> = {
  system: "System",
  user: "User",
  assistant: "Assistant",
};

/** A line a turn; what ends a text, a token, is the caller's to add. */
export const plainConversation: WriteConversation = (turns, answer) => ({
  asked: [...turns.map(({ role, content }) => `${SPEAKERS[role]}: ${content}\n`), "Assistant:"].join(""),
  answer: ` ${answer}`,
});

/** One template, or several with names. */
function templateIn(given: unknown): string | null {
  if (typeof given === "string") return given;
  if (!Array.isArray(given)) return null;
  const named = given as readonly { readonly name?: unknown; readonly template?: unknown }[];
  const chosen = named.find(({ name }) => name === "default") ?? named[0];
  return typeof chosen?.template === "string" ? chosen.template : null;
}

const contentOf = (token: unknown): string =>
  String((token as { content?: unknown } | null)?.content ?? token ?? "");

function said<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0];
    throw new Error(`chat template: ${what} (${reason})`, { cause });
  }
}
