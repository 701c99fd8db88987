import { expect, it } from "vitest";
import {
  adapter,
  after,
  closed,
  closing,
  config,
  evaluated,
  gone,
  joined,
  planning,
} from "./round.fixture.ts";
import { createRun } from "./run-state.ts";
import { restoreRun, snapshotOf } from "./snapshot.ts";

it("goes on where a stored run stopped: with its counts, and the last round still to evaluate", () => {
  const { records } = after([...closing, closed()]).state;
  const participants = ["p1", "p2", "p3"].map(
    (id) => ({ id, nickname: id, presence: "away", device: null }) as const,
  );
  const stored = createRun(config, adapter, { records, baseTestLoss: 5, participants });
  expect(stored).toMatchObject({ evaluatedRounds: 0, triedCount: 1, presentCount: 0, readyCount: 0 });
  // Who was in a round is not forgotten when it goes.
  expect(after([joined("p1"), gone("p1")], stored).effects).toEqual([]);
  expect(after([joined("p3"), gone("p3")], stored).effects.map(({ kind }) => kind)).toEqual(["forget"]);
  expect(after([evaluated()], stored).state).toMatchObject({
    evaluatedRounds: 1,
    records: [{ testLoss: 3 }],
  });
});

it("plans for those it was to plan for, though some have not come back yet", () => {
  const asked = after(planning);
  // Written after a restart, while the first to return was there alone.
  const between = after([joined("p1")], asked.state).state;
  const { state, effects } = restoreRun(snapshotOf(between), {
    adapter,
    largestSplit: null,
    finalRecords: [],
  });
  expect(state).toMatchObject({ kind: "planning", readyCount: 1 });
  expect(effects).toEqual(asked.effects);
});
