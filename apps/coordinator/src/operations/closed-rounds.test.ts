import { expect, it } from "vitest";
import { recordOf } from "../store/stored-run.fixture.ts";
import { watchClosedRounds } from "./closed-rounds.ts";

it("tells each round once, of a run that goes on only those that close from now on, and of its successor all", () => {
  let run = { runId: "a", state: { records: [recordOf(1)] } };
  const told: string[] = [];
  const look = watchClosedRounds(
    () => run,
    ({ round }) => told.push(`${run.runId}${round}`),
  );
  look();
  run = { runId: "a", state: { records: [recordOf(1), recordOf(2), recordOf(3)] } };
  look();
  look();
  run = { runId: "b", state: { records: [] } };
  look();
  run = { runId: "b", state: { records: [recordOf(1)] } };
  look();
  expect(told).toEqual(["a2", "a3", "b1"]);
});
