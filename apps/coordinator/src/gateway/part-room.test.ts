import { adapterSize, keptValueCount } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { shape, size } from "../app.fixture.ts";
import type { FoldOrder } from "../runs/elsewhere.ts";
import type { RoundTerms } from "../runs/live-run.ts";
import { createTurns, workInOrder } from "../turns.ts";
import { createPartRoom } from "./part-room.ts";

const UNBOUNDED = { largest: Infinity, rms: Infinity, product: Infinity };
const terms: RoundTerms = {
  runId: "run",
  round: 3,
  maskRound: 3,
  seed: "s",
  valueType: "f32",
  adapter: new Float32Array(size),
  fold: { aggregation: "mean", bounds: UNBOUNDED },
};
const order: FoldOrder = {
  kind: "fold",
  maskRound: 3,
  dropoutRate: 0.4,
  weight: 2,
  isLeftOut: false,
};
const changes = new Float32Array(keptValueCount(shape, 0.4)).fill(0.5);
const openRoom = () => createPartRoom(shape, workInOrder(createTurns()));

it("waits for what is on its way, and answers for just those updates that it is asked for", async () => {
  const room = openRoom();
  const both = room.part(3, ["p1", "p2"]);
  room.fold(terms, "p1", changes, order);
  room.fold(terms, "p2", changes, order);
  const { part, admissions } = await both;
  expect(part.sums.coarse.length).toBe(adapterSize(shape));
  expect(admissions.map(([id]) => id)).toEqual(["p1", "p2"]);
  await expect(room.part(3, ["p1"])).rejects.toThrow("round 3: expected 1 updates, got 2");
  await expect(room.agreements(2, null)).rejects.toThrow("there is no part of it here");
});

it("does not answer with sums in which one more update may be", async () => {
  const room = openRoom();
  room.fold(terms, "p1", changes, order);
  const asked = room.part(3, ["p1"]);
  room.fold(terms, "p2", changes, order);
  await expect(asked).rejects.toThrow("round 3: expected 1 updates, got 2");
});

it("says so when a fold has failed, before it is asked or while somebody waits", async () => {
  const room = openRoom();
  const waiting = room.part(3, ["p1", "p2"]);
  room.fold(terms, "p1", changes.subarray(1), order);
  await expect(waiting).rejects.toThrow(/expected \d+ changes/);
  await expect(room.part(3, ["p1"])).rejects.toThrow(/expected \d+ changes/);
  const another = openRoom();
  const asked = another.part(3, ["p1"]);
  another.forget("the line is lost");
  await expect(asked).rejects.toThrow("the line is lost");
});
