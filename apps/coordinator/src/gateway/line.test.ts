import fc from "fast-check";
import { expect, it } from "vitest";
import { type Line, LineBroken, openLine } from "./line.ts";

/** Two ends, and between them whatever is on its way. */
function openPair() {
  const heard: unknown[] = [];
  const broken: string[] = [];
  const toB: Uint8Array[] = [];
  const toA: Uint8Array[] = [];
  const a: Line = openLine({
    send: (frame) => toB.push(frame),
    asked: async (question) => question,
    told: () => {},
    broken: (why) => broken.push(`a: ${why}`),
  });
  const b: Line = openLine({
    send: (frame) => toA.push(frame),
    async asked(question) {
      heard.push(question);
      if (question === "fault") throw new Error("no");
      return `${question}!`;
    },
    told: (message) => heard.push(message),
    broken: (why) => broken.push(`b: ${why}`),
  });
  return { a, b, toA, toB, heard, broken };
}
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

it("says each thing once and in its order, whatever is repeated; or it is broken for both, and nobody waits", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.constant("say" as const) },
          { weight: 4, arbitrary: fc.constant("carry" as const) },
          { weight: 2, arbitrary: fc.constant("repeat" as const) },
          { weight: 1, arbitrary: fc.constant("lose" as const) },
        ),
        { maxLength: 30 },
      ),
      async (steps) => {
        const { a, b, toA, toB, heard, broken } = openPair();
        const asked: Promise<unknown>[] = [];
        let said = 0;
        let lost = false;
        let last: Uint8Array | undefined;
        for (const step of steps) {
          if (step === "say") {
            said += 1;
            if (said % 2 === 0) a.tell(said);
            else asked.push(a.ask(said).catch((error: Error) => error));
            await nextTurn();
          } else if (step === "repeat" && last !== undefined) b.receive(last);
          else if (step === "lose") lost = toB.shift() !== undefined || lost;
          else if (step === "carry") {
            last = toB.shift() ?? last;
            if (last !== undefined) b.receive(last);
          }
        }
        // What is silent about its end is told by its number.
        a.beat();
        for (const frame of toB.splice(0)) b.receive(frame);
        await nextTurn();
        await nextTurn();
        expect(heard).toEqual(Array.from({ length: heard.length }, (_, k) => k + 1));
        expect(broken.length > 0).toBe(lost);
        if (lost) a.end("the other end says so");
        else expect(heard.length).toBe(said);
        for (const frame of toA.splice(0)) a.receive(frame);
        const answers = await Promise.all(asked);
        for (const [k, answer] of answers.entries())
          if (!lost) expect(answer).toBe(`${2 * k + 1}!`);
          else if (answer instanceof Error) expect(answer).toBeInstanceOf(LineBroken);
      },
    ),
    { numRuns: 100 },
  );
});

it("tells who asked what went wrong at the other end, and is none the worse for it", async () => {
  const { a, b, toA, toB, broken } = openPair();
  const faulty = a.ask("fault");
  const good = a.ask("good");
  await nextTurn();
  for (const frame of toB.splice(0)) b.receive(frame);
  await nextTurn();
  await nextTurn();
  for (const frame of toA.splice(0)) a.receive(frame);
  await expect(faulty).rejects.toThrow("no");
  expect(await good).toBe("good!");
  expect(broken).toEqual([]);
  a.end("over");
  await expect(a.ask("more")).rejects.toThrow("over");
});

it("still says what it was told to say before its end", async () => {
  const { a, b, toB, heard } = openPair();
  a.tell("the last word");
  a.end("over");
  await nextTurn();
  for (const frame of toB.splice(0)) b.receive(frame);
  expect(heard).toEqual(["the last word"]);
});
