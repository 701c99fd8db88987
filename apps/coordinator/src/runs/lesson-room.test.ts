import type { HostCommand, LessonSlide, LessonView, Refused } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { connectHost, participate, start } from "../app.fixture.ts";
import { createLessonRoom } from "./lesson-room.ts";

const slide = (id: string, answer: number | null = null): LessonSlide => ({
  ...{ id, title: "Guess", caption: "" },
  question: { text: "Spam?", options: ["yes", "no"], answer },
});

function open() {
  const told: (LessonSlide | null)[] = [];
  const room = createLessonRoom({ tellAll: (shown) => told.push(shown), changed: () => {} });
  return { room, told, votes: () => room.view?.votes };
}

describe("a lesson", () => {
  it("counts everybody's last answer once, until the right one is told", () => {
    const { room, told, votes } = open();
    room.show(slide("q1"));
    expect(room.answer("p1", { slideId: "q1", choice: 0 })).toBeNull();
    expect(room.answer("p2", { slideId: "q1", choice: 1 })).toBeNull();
    expect(room.answer("p1", { slideId: "q1", choice: 1 })).toBeNull();
    expect(votes()).toEqual([0, 2]);
    room.show(slide("q1", 0));
    expect(votes()).toEqual([0, 2]);
    expect(room.answer("p1", { slideId: "q1", choice: 0 })).toMatchObject({ reason: "wrong-state" });
    expect(told.map((each) => each?.question?.answer)).toEqual([null, 0]);
  });

  it("forgets answers with their question, and those of who has gone", () => {
    const { room, votes } = open();
    room.show(slide("q1"));
    room.answer("p1", { slideId: "q1", choice: 0 });
    room.answer("p2", { slideId: "q1", choice: 0 });
    room.forget("p2");
    expect(votes()).toEqual([1, 0]);
    room.show(slide("q2"));
    expect(votes()).toEqual([0, 0]);
    room.show(null);
    expect(room.view).toBeNull();
  });

  it("refuses what nobody asked", () => {
    const { room } = open();
    expect(room.answer("p1", { slideId: "q1", choice: 0 })).toMatchObject({ reason: "wrong-state" });
    room.show(slide("q1"));
    expect(room.answer("p1", { slideId: "q0", choice: 0 })).toMatchObject({ reason: "wrong-state" });
    expect(room.answer("p1", { slideId: "q1", choice: 2 })).toMatchObject({ reason: "bad-message" });
    room.show({ ...slide("told"), question: null });
    expect(room.answer("p1", { slideId: "told", choice: 0 })).toMatchObject({ reason: "wrong-state" });
  });

  it("is on every screen, a newcomer's too, and its answers are on the host's alone", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada");
    const host = await connectHost(url, "key");
    const command = { kind: "lesson", slide: slide("q1") } as const;
    expect(await host.socket.emitWithAck("command", command)).toEqual({ kind: "done" });
    await expect.poll(() => ada.inbox.lesson).toEqual([slide("q1")]);
    const ben = await participate(url, "ben");
    await expect.poll(() => ben.inbox.lesson).toEqual([slide("q1")]);
    expect(await ben.socket.emitWithAck("guess", { slideId: "q1", choice: 1 })).toEqual({ kind: "accepted" });
    const wrong = (await ben.socket.emitWithAck("guess", { slideId: "q1", choice: 9 })) as Refused;
    expect(wrong).toMatchObject({ kind: "refused", reason: "bad-message" });
    ben.socket.disconnect();
    await host.socket.emitWithAck("command", { kind: "lesson", slide: null });
    const back = await participate(url, "ben", { token: ben.identity.token });
    await expect.poll(() => back.inbox.lesson).toEqual([null]);
    await host.socket.emitWithAck("command", { kind: "lesson", slide: slide("q1") });
    await back.socket.emitWithAck("guess", { slideId: "q1", choice: 1 });
    const seen = (): LessonView | null | undefined => host.views.at(-1)?.lesson;
    await host.socket.emitWithAck("command", { kind: "lesson", slide: slide("q1", 1) });
    await expect.poll(() => ada.inbox.lesson).toHaveLength(4);
    // The test's clock stands still, and with it the view's.
    const fresh = await connectHost(url, "key");
    await expect.poll(() => fresh.views.at(-1)?.lesson).toEqual({ slide: slide("q1", 1), votes: [0, 1] });
    expect(seen()).toBeDefined();
  });
});

it("hands a presenter's faults to the device that is meant, and to nobody for anybody else", async () => {
  const { url } = await start();
  const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
  const host = await connectHost(url, "key");
  const command = (participantId: string, fault: string | null) =>
    host.socket.emitWithAck("command", { kind: "chaos", participantId, fault } as HostCommand);
  expect(await command(ben.identity.participantId, "freeze")).toEqual({ kind: "done" });
  expect(await command(ben.identity.participantId, null)).toEqual({ kind: "done" });
  await expect.poll(() => ben.inbox.chaos).toEqual(["freeze", null]);
  expect(await command("p9", "freeze")).toMatchObject({ kind: "refused", reason: "unknown-participant" });
  expect(await command(ben.identity.participantId, "explode")).toMatchObject({ reason: "bad-message" });
  expect(ada.inbox.chaos).toEqual([]);
});
