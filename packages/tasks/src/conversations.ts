/** Rows that are conversations, in the shapes that such files have: messages, from and value, prompt, instruction. */
import type { ChatTurn } from "@fedlodrop/run";

/** One answer, and all that was said before it. */
export interface Answered {
  readonly context: readonly ChatTurn[];
  readonly text: string;
}

const ROLES: Readonly<Record<string, ChatTurn["role"]>> = {
  system: "system",
  user: "user",
  human: "user",
  assistant: "assistant",
  gpt: "assistant",
  model: "assistant",
};

/** By the first of these that a row has, where a question and its answer are fields of their own. */
export const QUESTIONS: readonly string[] = ["prompt", "instruction"];
const ANSWERS: readonly string[] = ["completion", "response", "output"];

/** The columns of a table that hold a question and its answer; null where one is missing. @param names in lower case */
export function exchangeColumns(
  names: readonly string[],
): { readonly question: string; readonly answer: string } | null {
  const among = (wanted: readonly string[]) => wanted.find((name) => names.includes(name));
  const [question, answer] = [among(QUESTIONS), among(ANSWERS)];
  return question !== undefined && answer !== undefined ? { question, answer } : null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Each of a conversation's answers; null where the fields are no conversation. @throws what is wrong with one, in words */
export function answersOf(fields: Fields): readonly Answered[] | null {
  const turns = turnsOf(fields);
  if (turns === null) return null;
  const answers = turns.flatMap(({ role, content }, at) =>
    role === "assistant" && content.trim() !== "" ? [{ context: turns.slice(0, at), text: content }] : [],
  );
  const answered = answers.filter(({ context }) => context.length > 0);
  if (answered.length === 0)
    throw new Error("expected a turn of the user and an answer of the assistant to it");
  return answered;
}

function turnsOf(fields: Fields): readonly ChatTurn[] | null {
  const list = fields.messages ?? fields.conversations ?? fields.conversation;
  if (Array.isArray(list)) return list.map(turnOf);
  const { input = fields.context, system } = fields;
  const given = (names: readonly string[]) =>
    names.map((name) => fields[name]).find((field) => field != null);
  const [question, answer] = [given(QUESTIONS), given(ANSWERS)];
  // Prompts and completions may be lists of turns, too.
  if (Array.isArray(question) && Array.isArray(answer)) return [...question, ...answer].map(turnOf);
  if (typeof question !== "string" || typeof answer !== "string") return null;
  const asked = typeof input === "string" && input.trim() !== "" ? `${question}\n\n${input}` : question;
  return [
    ...(typeof system === "string" && system !== "" ? [{ role: "system" as const, content: system }] : []),
    { role: "user", content: asked },
    { role: "assistant", content: answer },
  ];
}

function turnOf(value: unknown, at: number): ChatTurn {
  const { role, from, content, value: said } = (value ?? {}) as Fields;
  const named = role ?? from;
  const known = typeof named === "string" ? ROLES[named] : undefined;
  if (known === undefined)
    throw new Error(
      `expected turn ${at + 1} to be of ${Object.keys(ROLES).join(", ")}, got ${JSON.stringify(named) ?? "none"}`,
    );
  const text = content ?? said;
  if (typeof text !== "string") throw new Error(`expected turn ${at + 1} to have a text as its content`);
  return { role: known, content: text };
}
