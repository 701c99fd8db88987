import type { RoundRecord, TaskKind } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { reasonOf, tellStory } from "./story.ts";
import "../../words/english.fixture.ts";

/** Only what the stories read. */
function round(
  number: number,
  testLoss: number | null,
  trainLoss: number | null = null,
  baseTrainLoss?: number,
): RoundRecord {
  const evaluation = testLoss === null ? null : { testLoss, trainLoss, baseTrainLoss };
  return {
    round: number,
    method: "fixed",
    testLoss,
    evaluation,
    participants: [],
    allocation: null,
  } as never;
}

const tell = (rounds: readonly RoundRecord[], base: number | null) =>
  tellStory(rounds, base, "language-model");

const device = (id: string, dropoutRate: number, secondsUpload: number, secondsCompute = 2) => ({
  ...{ id, dropoutRate, secondsUpload, secondsCompute, bytesUp: 1000, outcome: "aggregated" },
});
const solved = (...participants: ReturnType<typeof device>[]): RoundRecord =>
  ({ ...round(1, 3), method: "branch-and-bound", participants }) as never;

it("compares with the base model", () => {
  expect(tell([round(1, 3.74)], 3.8)).toEqual({
    kind: "better",
    headline: "Better than the base model by 0.060 on texts that nobody trained on.",
    detail: "",
    isMemorised: false,
  });
  expect(tell([round(1, 3.9)], 3.8).kind).toBe("worse");
  for (const loss of [3.785, 3.815]) expect(tell([round(1, loss)], 3.8).kind).toBe("same");
});

it("says when the model has passed its best round, even where it is still better than the base model", () => {
  const { kind, headline } = tell([round(1, 3.7), round(2, 3.6), round(3, 3.65)], 3.8);
  expect(kind).toBe("worsening");
  // What it does on the devices' own texts is not known.
  expect(headline).toBe("Getting worse since round 2 on texts that nobody trained on.");
  // As rounds differ that nothing is learnt by heart in.
  expect(tell([round(1, 3.7), round(2, 3.735)], 3.8).kind).toBe("better");
});

it("says why it gets worse only as the losses on own texts tell", () => {
  const tellOf = (best: number, now: number, base = 3.7) =>
    tell([round(1, 3.6, best, base), round(2, 3.75, now, base)], 3.8);
  expect(tellOf(3.5, 3.3)).toMatchObject({
    headline: "Getting worse since round 1: it starts to learn its texts by heart.",
    detail: expect.stringMatching(/likelier/),
    isMemorised: true,
  });
  // Diverging, also where own texts are still better known than new ones.
  for (const [best, now] of [
    [3.5, 3.7],
    [3.3, 3.4],
  ] as const)
    expect(tellOf(best, now)).toMatchObject({
      kind: "worsening",
      headline: "Getting worse since round 1, on the devices' own texts as well: it is not learning.",
      detail: "A learning rate that is too large, or bad updates, may be the cause.",
    });
  // Own texts gain little more than new ones did: nothing tells why.
  expect(tellOf(3.65, 3.64)).toMatchObject({
    headline: "Getting worse since round 1 on texts that nobody trained on.",
    detail: expect.stringMatching(/hardly more/),
    isMemorised: false,
  });
  // Harder texts of another round's devices are no worse model.
  const others = [round(1, 3.6, 3.5, 3.7), round(2, 3.75, 3.9, 4.3)];
  expect(tell(others, 3.8).headline).toMatch(/by heart/);
  for (const kind of ["chat", "classification", "regression"] as const)
    expect(tellStory([round(1, 0.6, 0.5, 0.7), round(2, 0.9, 0.8, 0.7)], 0.8, kind)).toMatchObject({
      headline: expect.stringMatching(/not learning/),
      detail: expect.stringMatching(/learning rate/),
    });
});

it("says how much more training did for own texts than for new ones", () => {
  const tellOf = (own: number, before: number) => tell([round(1, 3.7, own, before)], 3.8);
  // The devices' texts were 0.2 easier to begin with.
  expect(tellOf(3.7 - 0.2 - Math.log(1.5), 3.6)).toMatchObject({
    detail: expect.stringMatching(/50% likelier/),
    isMemorised: true,
  });
  for (const more of [0.03, 0, -0.3])
    expect(tellOf(3.7 - 0.2 - more, 3.6)).toMatchObject({
      detail: expect.stringMatching(/hardly more/),
      isMemorised: false,
    });
  // Or as much harder, and are level by now.
  expect(tellOf(3.7, 4).detail).toMatch(/22.1% likelier/);
  // Texts of a round are held against those of that round.
  expect(tell([round(1, 3.7, 3.2, 3.2), round(2, 3.7, 3.5, 4)], 3.8).detail).toMatch(/49.2% likelier/);
});

it("says nothing of own texts where it is not known what they were like untrained", () => {
  expect(tell([round(1, 3.7, 3)], 3.8)).toMatchObject({ detail: "", isMemorised: false });
  expect(tell([round(1, 3.7, 3, 3.6)], null)).toMatchObject({ detail: "", isMemorised: false });
});

it("says it as the task's losses mean it, and nothing of squared errors", () => {
  const rounds = [round(1, 0.7, 0.7 - Math.log(1.5), 0.8)];
  const detail = (kind: TaskKind) => tellStory(rounds, 0.8, kind).detail;
  expect(detail("classification")).toMatch(/right label .* 50% likelier/);
  expect(detail("chat")).toMatch(/answer 50% likelier/);
  expect(detail("regression")).toBe("");
});

it("waits for a measurement, and uses the last one there is", () => {
  expect(tell([], null).headline).toBe("Nothing has been trained yet.");
  expect(tell([round(1, null)], 3.8).kind).toBe("waiting");
  expect(tell([round(1, 3.7), round(2, null)], 3.8).kind).toBe("better");
});

it("says why a rate was chosen: what stands out among the devices of that round", () => {
  const rounds = [solved(device("p1", 0.2, 1), device("p2", 0.2, 1), device("p3", 0.6, 4))];
  expect(reasonOf(rounds, "p3", 0.6)).toBe("slow link");
  expect(reasonOf(rounds, "p1", 0.2)).toBe("like the others");
  expect(
    reasonOf([solved(device("p1", 0.2, 1), device("p2", 0.2, 1), device("p3", 0.6, 1, 9))], "p3", 0.6),
  ).toBe("slow device");
  expect(reasonOf([round(1, 3)], "p1", 0.2)).toBe("");
});

it("gives no reason of an earlier rate for one that the host has changed since", () => {
  const fixed = { ...solved(device("p1", 0.5, 1)), method: "fixed" } as RoundRecord;
  expect(reasonOf([fixed], "p1", 0.5)).toBe("same for all");
  expect(reasonOf([fixed], "p1", 0)).toBe("");
});

it("gives none where nothing is dropped: the rate says it", () => {
  const fedlora = { ...solved(device("p1", 0, 1)), method: "fedlora" } as RoundRecord;
  expect(reasonOf([fedlora], "p1", 0)).toBe("");
});
