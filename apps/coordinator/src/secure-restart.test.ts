import { describe, expect, it } from "vitest";
import { phase } from "./app.fixture.ts";
import { participateSecurely } from "./secure-participant.fixture.ts";
import { startSecurely } from "./secure-run.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

describe("a coordinator that is killed in an open secure round", () => {
  it("discards the round, and begins another with fresh keys", async () => {
    const disk = createMemoryDisk();
    const lock = async () => ({ release: async () => {} });
    const store = createRunFolder("/run", { disk, lock });
    const first = await startSecurely({ minParticipants: 2, rounds: 2, quorum: 1 }, { store });
    const ada = await participateSecurely(first.url, "ada");
    // Ben keeps its input to itself, so that the round stays open.
    const ben = await participateSecurely(first.url, "ben", { vanishes: { round: 2, step: "input" } });
    await first.coordinator.command({ kind: "start" });
    await expect.poll(() => first.coordinator.report().rounds.length, { timeout: 60_000 }).toBeGreaterThan(0);
    const told = [...first.coordinator.adapter];
    await expect.poll(() => ada.heard.filter(({ round }) => round === 2).length).toBeGreaterThan(1);
    const left = disk.after("kill");
    first.abandon();
    ada.link.close();
    ben.link.close();

    const again = createRunFolder("/run", { disk: left, lock });
    const stored = await again.load();
    const second = await startSecurely({}, { store: again, stored, graceSeconds: 0.1 });
    // What had been told of is there to the bit, although nobody could sum it up again.
    expect([...second.coordinator.adapter]).toEqual(told);
    await expect
      .poll(() => second.coordinator.report().rounds.length, { timeout: 60_000 })
      .toBeGreaterThan(1);
    const record = second.coordinator.report().rounds[1];
    expect(record?.secureAggregation).toEqual({
      counted: 0,
      sent: true,
      problem: "the coordinator was stopped in the middle of the round",
    });
    expect([...second.coordinator.adapter]).toEqual(told);
    expect(second.coordinator.state.triedCount).toBe(1);
    await participateSecurely(second.url, "ada", { token: ada.token });
    await participateSecurely(second.url, "ben", { token: ben.token });
    await phase(second.coordinator, "ended", 60_000);
    expect(second.coordinator.report().rounds[2]?.secureAggregation?.problem).toBeNull();
    expect([...second.coordinator.adapter]).not.toEqual(told);
  }, 120_000);
});
