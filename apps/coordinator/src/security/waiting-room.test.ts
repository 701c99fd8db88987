import { expect, it } from "vitest";
import { createWaitingRoom } from "./waiting-room.ts";

it("lets a flood push itself out, and nobody else", () => {
  const room = createWaitingRoom();
  expect(room.giveWay("a")).toBeUndefined();
  room.entered("p1", "class", 0);
  for (let k = 2; k < 10; k++) room.entered(`p${k}`, "flood", k);
  expect(room.giveWay("class")).toBe("p2");
  expect(room.giveWay("new")).toBe("p2");
  expect(room.giveWay("flood")).toBeUndefined();
  room.left("p2");
  expect([room.giveWay("new"), room.size]).toEqual(["p3", 8]);
});

it("sends nobody away who has a place, unless it loads for too long", () => {
  const room = createWaitingRoom();
  room.entered("p1", null, 0);
  room.entered("p2", "class", 1);
  expect([room.giveWay("new"), room.size]).toEqual(["p2", 1]);
  expect(room.enteredBefore(1)).toEqual(["p1"]);
  room.left("p1");
  expect([room.enteredBefore(1), room.size]).toEqual([[], 1]);
});

it("knows who has been loading for too long", () => {
  const room = createWaitingRoom();
  room.entered("p1", "a", 0);
  room.entered("p2", "a", 10);
  room.entered("p1", "a", 20);
  expect(room.enteredBefore(15)).toEqual(["p2"]);
  expect(room.enteredBefore(21)).toEqual(["p2", "p1"]);
});
