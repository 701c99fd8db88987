import { expect, it } from "vitest";
import { checkpointSchema } from "./checkpoint.ts";
import { checkpointOf } from "./stored-run.fixture.ts";

it("gives participants of a program that did not deal the parts that followed from their numbers", () => {
  const { snapshot, ...rest } = checkpointOf(2);
  const config = { ...snapshot.config, devices: 8 };
  const undealt = ["p1", "p8", "p9"].map((id) => {
    const { part: _, ...participant } = { ...snapshot.participants[0]!, id };
    return participant;
  });
  const { dealsByNumber: _, ...before } = snapshot;
  const read = (participants: readonly object[]) =>
    checkpointSchema.parse({ ...rest, snapshot: { ...before, config, participants } }).snapshot;
  expect(read(undealt).participants.map(({ part }) => part)).toEqual([0, 7, 0]);
  expect(read(undealt).dealsByNumber).toBe(true);
  expect(read(snapshot.participants).dealsByNumber).toBe(false);
});
