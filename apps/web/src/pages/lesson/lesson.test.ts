import type { HostCommand } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type RoundRecord } from "@fedlodrop/run";
import { signal } from "@preact/signals";
import { expect, it } from "vitest";
import type { StorageLike } from "../../ui/browser-storage.ts";
import type { ReceivedView } from "../host/connection.ts";
import { type Lesson, openLesson } from "./lesson.ts";
import { LESSONS } from "./script.ts";
import "../../words/english.fixture.ts";

const guess = (label: number) => ({ text: `text ${label}`, label, base: [0.9, 0.1], tuned: [0.2, 0.8] });
const sample = { kind: "labels", labels: ["ham", "spam"], guesses: [guess(1), guess(0)] };
const measured = [{ round: 1, evaluation: { sample } }] as unknown as readonly RoundRecord[];
const whole = LESSONS.find(({ id }) => id === "whole")!;
const game = whole.steps.findIndex(({ show }) => show === "guesses");

/** What a tab keeps over a reload. */
function storageOf(): StorageLike {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

/** A host's connection whose coordinator shows what it is told to; `vote` is the class. */
function classroom(rounds: readonly RoundRecord[]) {
  const view = signal({
    ...{ runId: "one", rounds, taskKind: "classification", config: DEFAULT_RUN_CONFIG, lesson: null },
  } as unknown as ReceivedView);
  const change = (changes: Partial<ReceivedView>): void => {
    view.value = { ...view.value, ...changes };
  };
  const command = async (command: HostCommand): Promise<void> => {
    if (command.kind === "lesson") change({ lesson: command.slide && { slide: command.slide, votes: [] } });
  };
  const vote = (...votes: number[]): void => {
    const { lesson } = view.value;
    change({ lesson: lesson && { ...lesson, votes } });
  };
  const open = (storage = storageOf()): Lesson => openLesson({ view, command }, storage);
  const storage = storageOf();
  return { lesson: open(storage), reload: () => open(storage), reopen: () => open(), view, change, vote };
}

it("goes from step to step, and ends after the last one", () => {
  const { lesson, view } = classroom([]);
  expect(lesson.place.value).toBeNull();
  lesson.begin(whole);
  lesson.step(1);
  expect(lesson.place.value).toMatchObject({ script: whole, step: 1, told: false });
  lesson.tell();
  expect(lesson.place.value).toMatchObject({ step: 1, told: true });
  lesson.step(-1);
  expect(lesson.place.value).toMatchObject({ step: 0, told: false });
  for (const _ of whole.steps) lesson.step(1);
  expect([lesson.place.value, view.value.lesson]).toEqual([null, null]);
});

it("asks by itself once there is something to guess", () => {
  const { lesson, view, change } = classroom([]);
  lesson.begin(whole);
  for (let step = 0; step < game; step++) lesson.step(1);
  expect([lesson.game.value, view.value.lesson?.slide.question]).toEqual([null, null]);
  change({ rounds: measured });
  expect(view.value.lesson?.slide.question?.text).toBe("text 1");
});

it("has the bet answered by the run, once it has two arms and is over", () => {
  const { lesson, view, change } = classroom([]);
  lesson.begin(whole);
  while (whole.steps[lesson.place.value?.step ?? 0]?.name !== "bet") lesson.step(1);
  const ended = [0, 1].map((arm) => ({
    ...{ round: arm + 1, turn: { arm, number: 1 }, testLoss: 3 - arm, participants: [] },
  })) as unknown as readonly RoundRecord[];
  expect([view.value.lesson?.slide.question, lesson.unanswered.value]).toEqual([null, null]);
  change({ config: { ...DEFAULT_RUN_CONFIG, compareWith: { method: "fedlora", dropoutRate: 0 } } });
  expect(view.value.lesson?.slide.question?.options).toHaveLength(3);
  const { canTell, unanswered } = lesson;
  change({ rounds: ended, phase: "training" });
  expect([canTell.value, unanswered.value]).toEqual([false, "later"]);
  change({ phase: "ended" });
  expect([canTell.value, unanswered.value]).toEqual([true, null]);
  change({ rounds: ended.slice(0, 1) });
  expect([canTell.value, unanswered.value], "stopped before both arms were measured").toEqual([
    false,
    "never",
  ]);
  change({ rounds: ended });
  lesson.tell();
  expect(view.value.lesson?.slide.question?.answer).toBe(1);
  expect([canTell.value, unanswered.value]).toEqual([false, null]);
});

it("counts who was right, a text that is told again once, until another lesson or run begins", () => {
  const { lesson, change, vote } = classroom(measured);
  const play = (): void => {
    lesson.begin(whole);
    for (let step = 0; step < game; step++) lesson.step(1);
    vote(1, 3);
    lesson.tell();
  };
  play();
  const first = { isClassRight: true, modelBefore: 0, modelNow: 1 };
  expect(lesson.scores.value).toEqual([first]);
  lesson.nextText();
  vote(2, 2);
  lesson.tell();
  lesson.tell();
  expect(lesson.scores.value).toEqual([first, { isClassRight: false, modelBefore: 1, modelNow: 0 }]);
  lesson.begin(whole);
  expect(lesson.scores.value).toEqual([]);
  play();
  change({ runId: "two" });
  expect(lesson.scores.value).toEqual([]);
});

it("goes on counting when its page is reloaded, and in another tab with what the coordinator knows", () => {
  const { lesson, reload, reopen, change, vote } = classroom(measured);
  lesson.begin(whole);
  for (let step = 0; step < game; step++) lesson.step(1);
  vote(1, 3);
  lesson.tell();
  lesson.nextText();
  vote(2, 2);
  lesson.tell();
  const told = [...lesson.scores.value];
  expect(told).toHaveLength(2);
  expect(reload().scores.value).toEqual(told);
  expect(reopen().scores.value).toEqual(told.slice(1));
  lesson.begin(whole);
  expect(reload().scores.value).toEqual([]);
  change({ runId: "two" });
  expect(reload().scores.value).toEqual([]);
});
