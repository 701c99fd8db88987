import { expect, it } from "vitest";
import type { RoundTerms } from "../runs/live-run.ts";
import type { PartRoom } from "./part-room.ts";
import { openRemoteRun } from "./remote-run.ts";

/** A gateway whose owner takes every update, and who is told what of a round's terms and when is in the test's hands. */
function openGatewaySide() {
  const folded: string[] = [];
  const roomOf = (owner: string): PartRoom =>
    ({
      fold: (_: RoundTerms, participantId: string) => folded.push(`${owner} folds ${participantId}`),
      fail: (round: number, why: string) => folded.push(`${owner} fails ${round}: ${why}`),
    }) as unknown as PartRoom;
  let room = roomOf("the first");
  let tellTerms: (terms: Partial<RoundTerms>) => void = () => {};
  const terms = new Promise<RoundTerms>((resolve) => {
    tellTerms = (one) => resolve(one as RoundTerms);
  });
  const asked: unknown[] = [];
  const run = openRemoteRun({
    link: {
      isUp: true,
      async ask(question) {
        asked.push(question);
        return { kind: "accepted", order: { kind: "fold" } };
      },
      tell: () => {},
      close: () => {},
    },
    terms: () => terms,
    parts: () => room,
    keep: async () => ({ sha256: "", bytes: 0 }),
    log: () => {},
  });
  const replaceOwner = (): void => {
    room = roomOf("the next");
  };
  return { run, asked, folded, replaceOwner, tellTerms };
}
const update = {
  runId: "run",
  round: 3,
  statistics: {} as never,
  bytes: new Uint8Array(4),
  changes: new Float32Array(1),
};

it("folds what an owner has ordered for that owner alone", async () => {
  const { run, folded, replaceOwner, tellTerms } = openGatewaySide();
  expect(await run.submit("p1", update)).toEqual({ kind: "accepted" });
  replaceOwner();
  tellTerms({ runId: "run" });
  await expect.poll(() => folded).toEqual(["the first folds p1"]);
  run.close();
});

it("folds nothing into another run's round of that number", async () => {
  const { run, folded, tellTerms } = openGatewaySide();
  await run.submit("p1", update);
  tellTerms({ runId: "another" });
  await expect.poll(() => folded).toEqual(["the first fails 3: round 3: the host has set up a new run"]);
  run.close();
});

it("passes a masked input on as it is", async () => {
  const { run, asked, folded } = openGatewaySide();
  const masked = { ...update, changes: null };
  await run.submit("p1", masked);
  expect([asked, folded]).toEqual([[{ kind: "call", name: "submit", args: ["p1", masked] }], []]);
  run.close();
});
