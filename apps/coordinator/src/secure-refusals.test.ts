/** What either side refuses of the other over the wire, and settings that cannot work. */
import type { SecureStep } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { connect, phase } from "./app.fixture.ts";
import { participateSecurely, type SecureParticipant } from "./secure-participant.fixture.ts";
import { playRun, startSecurely } from "./secure-run.fixture.ts";

describe("a coordinator that lies over the wire", () => {
  const lied = async (lie: (message: SecureStep, liedTo: number) => SecureStep, liedTo = [0, 1, 2, 3]) => {
    const scripts = Array.from({ length: 4 }, (_, k) =>
      liedTo.includes(k) ? { toDevice: (message: SecureStep) => lie(message, k) } : {},
    );
    const { coordinator, before, devices } = await playRun(scripts);
    await expect.poll(() => coordinator.report().rounds.length, { timeout: 60_000 }).toBeGreaterThan(0);
    const [record] = coordinator.report().rounds;
    expect(record?.secureAggregation?.problem).not.toBeNull();
    expect(coordinator.adapter).toEqual(before);
    return devices.map(({ failures }) => failures.get(1) ?? "");
  };

  it("is found out when it tells devices of different survivors", async () => {
    await lied((message, k) =>
      message.kind === "survivors" && k < 2
        ? { ...message, survivors: message.survivors.slice(0, 3) }
        : message,
    );
  }, 120_000);

  it("is refused with keys that a device did not sign, and with another weight", async () => {
    const flipped = await lied((message) =>
      message.kind === "roster"
        ? { ...message, bytes: new Uint8Array(message.bytes).map((byte, i) => (i === 40 ? byte ^ 1 : byte)) }
        : message,
    );
    expect(flipped.filter((failure) => failure.includes("not signed by its identity"))).toHaveLength(3);
    const heavier = await lied((message) =>
      message.kind === "roster"
        ? { ...message, devices: message.devices.map((each) => ({ ...each, weight: each.weight + 1 })) }
        : message,
    );
    expect(heavier[0]).toMatch(/expected weight \d+ at dropout rate/);
  }, 120_000);
});

describe("answers that are none", () => {
  it("are refused one by one, and the round goes on", async () => {
    const { coordinator, devices } = await playRun([{}, {}, {}]);
    const [ada, ben] = devices as [SecureParticipant, SecureParticipant];
    await phase(coordinator, "ended", 60_000);
    const again = await startSecurely({ minParticipants: 3 });
    const replayed = ada.answers.find(({ kind }) => kind === "keys")!;
    const refusals: unknown[] = [];
    const eve = await participateSecurely(again.url, "eve");
    const others = [await participateSecurely(again.url, "b"), await participateSecurely(again.url, "c")];
    const say = async (from: SecureParticipant, answer: object): Promise<void> => {
      const reply = (await from.socket.emitWithAck("secure-answer", answer as never)) as object;
      refusals.push("reason" in reply ? reply.reason : reply);
    };
    await again.coordinator.command({ kind: "start" });
    await expect.poll(() => eve.answers.length, { interval: 1 }).toBeGreaterThan(0);
    await say(eve, replayed); // another's keys, of another run
    await say(eve, { ...eve.answers[0], kind: "nonsense" });
    await say(eve, { ...eve.answers[0], bytes: "text" });
    await say(eve, { ...eve.answers[0], bytes: new Uint8Array(300 * 1024) });
    await say(eve, { ...eve.answers[0], round: 9 });
    await say(eve, { round: 1, kind: "reveal", bytes: new Uint8Array(33) });
    expect(refusals).toEqual([
      "duplicate",
      "bad-message",
      "bad-message",
      "bad-message",
      "not-running",
      "wrong-order",
    ]);
    const stranger = await connect(again.url);
    expect(await stranger.socket.emitWithAck("secure-answer", replayed)).toMatchObject({
      reason: "unknown-participant",
    });
    await phase(again.coordinator, "ended", 60_000);
    expect(again.coordinator.report().rounds[0]?.secureAggregation?.problem).toBeNull();
    expect(others[0]?.failures.size).toBe(0);
    // And now that it is over.
    refusals.length = 0;
    await say(ben, ben.answers[0]!);
    await say(eve, eve.answers[0]!);
    expect(refusals).toEqual(["not-running", "not-running"]);
  }, 120_000);
});

describe("settings that cannot work", () => {
  it.each([
    [{ aggregation: "median" as const }, "expected mean with secure aggregation, got median"],
    [{ aggregation: "clipped-mean" as const }, "which looks at single updates: nobody sees them"],
    [{ quorum: 0.5 }, "quorum: expected two thirds at least with secure aggregation, got 0.5"],
    [{ maxParticipants: 5000 }, "expected at most 1024 with secure aggregation, got 5000"],
  ])("%j is refused", async (change, message) => {
    await expect(startSecurely(change)).rejects.toThrow(message);
  });

  it("is refused between rounds too", async () => {
    const { coordinator } = await startSecurely();
    expect(await coordinator.command({ kind: "change", change: { quorum: 0.3 } })).toMatchObject({
      kind: "refused",
    });
  });

  it("waits for a second device", async () => {
    const { coordinator, url } = await startSecurely({ minParticipants: 1 });
    const alone = await participateSecurely(url, "alone");
    await coordinator.command({ kind: "start" });
    expect(coordinator.state.kind).toBe("lobby");
    expect(alone.starts.size).toBe(0);
  });
});
