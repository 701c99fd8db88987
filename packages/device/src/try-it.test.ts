/** One prompt on both sides, with a trainer that answers by whether it was given an adapter. */
import type { Dataset, Tokenizer, Trainer } from "@fedlodrop/lm";
import { adapterSize } from "@fedlodrop/run";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { run } from "./coordinator.fixture.ts";
import type { FromWorker } from "./messages.ts";
import { type TryContext, tryPrompt } from "./try-it.ts";

const adapter = Float32Array.from({ length: adapterSize(run.adapter) }, (_, i) => i);
const asked: [string, string | null][] = [];
const seeds: string[] = [];
const prompts: (readonly number[])[] = [];
const scored: Dataset[] = [];

beforeEach(() => {
  asked.length = seeds.length = prompts.length = scored.length = 0;
  vi.stubGlobal("fetch", async (url: string | URL, init?: RequestInit) => {
    asked.push([String(url), new Headers(init?.headers).get("authorization")]);
    return new Response(adapter);
  });
});
afterEach(() => vi.unstubAllGlobals());

const tokenizer = {
  encode: (text: string) => [...text].map((character) => character.charCodeAt(0)),
  prefix: [],
  suffix: [],
  between: [0],
  conversation: (turns: readonly { content: string }[]) => ({
    asked: turns.flatMap(({ content }) => [1, content.length]),
    answer: [],
  }),
  decode: (ids: readonly number[]) => String.fromCharCode(...ids),
} as unknown as Tokenizer;
const trainer = {
  async generate(
    prompt: readonly number[],
    options: { seed: string },
    tuned: Float32Array | undefined,
    onToken: (id: number) => void,
  ) {
    seeds.push(options.seed);
    prompts.push(prompt);
    for (const character of tuned ? "new" : "old") onToken(character.charCodeAt(0));
  },
  async evaluate(_dataset: Dataset, tuned?: Float32Array) {
    return { loss: tuned ? 2 : 3 };
  },
  async scores(dataset: Dataset, tuned?: Float32Array) {
    scored.push(dataset);
    if (dataset.kind === "regression") return [Float32Array.of(tuned ? 2.5 : 0)];
    return [Float32Array.of(0, tuned ? Math.log(9) : 0)];
  },
} as unknown as Trainer;

async function answers(change: Partial<TryContext> = {}, prompt = "Once") {
  const said: FromWorker[] = [];
  const context = { site: "http://here/", token: "secret", trainer, tokenizer, ownHeldOut: null, run };
  await tryPrompt({ ...context, post: (message) => said.push(message), ...change } as TryContext, prompt);
  return said;
}

it("lets both sides go on from one prompt and seed, token by token", async () => {
  const said = await answers();
  expect(asked).toEqual([["http://here/api/adapter", "Bearer secret"]]);
  expect(seeds).toEqual(["Once", "Once"]);
  expect(said).toEqual(
    (["base", "tuned"] as const).flatMap((side) => {
      const word = side === "base" ? "old" : "new";
      const upTo = (length: number, done: boolean) =>
        ({ kind: "tried-text", side, text: word.slice(0, length), done }) as const;
      return [upTo(1, false), upTo(2, false), upTo(3, false), upTo(3, true)];
    }),
  );
});

it("asks the base model alone before any round has changed it", async () => {
  vi.stubGlobal("fetch", async () => new Response(adapter, { headers: { "x-fedlodrop-round": "0" } }));
  const said = await answers();
  expect(said[0]).toEqual({ kind: "untrained" });
  expect(said.slice(1).map((message) => "side" in message && message.side)).toEqual(Array(4).fill("base"));
});

it("gives each label its probability", async () => {
  const task = { ...run.task, kind: "classification", labels: ["ham", "spam"] } as const;
  const said = await answers({ run: { ...run, task } });
  const of = (side: string) =>
    said.flatMap((message) =>
      message.kind === "tried-labels" && message.side === side ? [message.probabilities] : [],
    )[0]!;
  expect(of("base")).toEqual([expect.closeTo(0.5, 6), expect.closeTo(0.5, 6)]);
  expect(of("tuned")).toEqual([expect.closeTo(0.1, 6), expect.closeTo(0.9, 6)]);
});

it("estimates a number of two texts, which a mark divides", async () => {
  const task = { ...run.task, kind: "regression", pairs: true } as const;
  const said = await answers({ run: { ...run, task } }, "a || bc");
  expect(said).toEqual([
    { kind: "tried-value", side: "base", value: 0 },
    { kind: "tried-value", side: "tuned", value: 2.5 },
  ]);
  const [{ sequences, secondFrom }] = scored as [Extract<Dataset, { kind: "regression" }>];
  expect([sequences, secondFrom]).toEqual([[Int32Array.of(97, 0, 98, 99)], Int32Array.of(2)]);
  await expect(answers({ run: { ...run, task } }, "one text")).rejects.toThrow("with || between them");
});

it("asks in the model's way of having a conversation", async () => {
  await answers({ run: { ...run, task: { ...run.task, kind: "chat" } } }, "Why?");
  expect(prompts).toEqual([
    [1, 4],
    [1, 4],
  ]);
});

it("measures both on the user's own held-out text", async () => {
  const said = await answers({ ownHeldOut: { kind: "language-model", windows: [] } });
  expect(said.filter(({ kind }) => kind === "tried-own-text")).toEqual([
    { kind: "tried-own-text", side: "base", loss: 3 },
    { kind: "tried-own-text", side: "tuned", loss: 2 },
  ]);
});

it("says what is wrong with a prompt of nothing, and with an adapter of another size", async () => {
  await expect(answers({}, "")).rejects.toMatchObject({ because: "no-words" });
  vi.stubGlobal("fetch", async () => new Response(adapter.subarray(1)));
  await expect(answers()).rejects.toThrow(`expected ${adapter.length} values, got ${adapter.length - 1}`);
  vi.stubGlobal("fetch", async () => new Response(null, { status: 503 }));
  await expect(answers()).rejects.toThrow("got HTTP 503");
});
