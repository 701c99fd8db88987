/** The sender over simulated links, event by event on a clock of numbers: no timers, no sockets, nothing by chance. */
import { describe, expect, it } from "vitest";
import { chunkBytes, LARGEST_CHUNK_BYTES, type LinkReading, openSendWindow } from "./send-window.ts";
import { type SimulatedLink, send } from "./simulated-link.fixture.ts";

const LINK = 2e6;
const off = (reading: LinkReading): number => Math.abs((reading.bytesPerSecond ?? 0) / LINK - 1);

describe.each([0.02, 0.1, 0.2, 0.4])("a link of 2 MB/s with a round trip of %s s", (roundTripSeconds) => {
  const link: SimulatedLink = { bytesPerSecond: LINK, roundTripSeconds };

  it.each([100_000, 300_000, 5_000_000])("is measured by an unpaced upload of %i bytes", (bytes) => {
    const reading = send(link, bytes, null);
    expect(reading.limitedBy).toBe("link");
    expect(off(reading)).toBeLessThan(0.02);
    // No more round trips than the window needs to open.
    expect(reading.seconds).toBeLessThan(bytes / LINK + 8 * roundTripSeconds);
  });

  it.each([0.25, 0.5, 0.9])("carries an upload at a share of %s, whatever the round trip", (share) => {
    const reading = send(link, 300_000, share * LINK);
    expect(reading.limitedBy).toBe("sender");
    expect(reading.seconds).toBeLessThan(300_000 / (share * LINK) + 1.1 * roundTripSeconds + 0.02);
  });

  it("is seen to be the limit when the pace is more than it carries", () => {
    const slower = { ...link, bytesPerSecond: LINK / 2 };
    for (const bytes of [300_000, 5_000_000]) {
      const reading = send(slower, bytes, LINK);
      expect(reading).toMatchObject({ limitedBy: "link" });
      expect(reading.bytesPerSecond! / (LINK / 2)).toBeCloseTo(1, 1);
    }
  });

  it("is not taken for slow because the sender stood still", () => {
    for (const at of [0.01, 0.1, 0.2]) {
      const stalled = send({ ...link, stalls: [{ at, seconds: 0.3 }] }, 300_000, LINK / 2);
      // What it makes good for goes as fast as the link does, and may be measured.
      if (stalled.bytesPerSecond !== null) expect(off(stalled)).toBeLessThan(0.15);
    }
  });

  it("is not taken for slow because one answer was late", () => {
    const once = (at: number) => (chunk: number) => (chunk === at ? 0.3 : 0);
    for (let at = 0; at < 10; at++)
      expect(send({ ...link, late: once(at) }, 300_000, LINK / 4).limitedBy).toBe("sender");
  });
});

it("does not count the rounds in which a connection finds its speed more than it must", () => {
  const cold = { bytesPerSecond: LINK, roundTripSeconds: 0.02, slowStartBytes: 14_600 };
  expect(off(send(cold, 2_000_000, null))).toBeLessThan(0.15);
});

it("says nothing of a link from a few bytes that came back at once", () => {
  const reading = send({ bytesPerSecond: 1e8, roundTripSeconds: 0.001 }, 4000, null);
  expect(reading).toMatchObject({ bytesPerSecond: null, limitedBy: "sender" });
  expect(send({ bytesPerSecond: 4000, roundTripSeconds: 0.1 }, 4096, null).bytesPerSecond).toBeCloseTo(4000);
});

it("never has more in flight than four seconds of a slow link", () => {
  const sender = openSendWindow({
    from: 0,
    totalBytes: 32 * LARGEST_CHUNK_BYTES,
    paceBytesPerSecond: null,
    roundTripSeconds: 0.1,
    startedAt: 0,
  });
  let sent = 0;
  let now = 0;
  const fill = (): void => {
    for (let step = sender.next(now); step.kind === "send"; step = sender.next(now)) {
      sender.sent(now);
      sent += step.bytes;
    }
  };
  fill();
  expect(sent).toBe(64 * 1024);
  for (let received = LARGEST_CHUNK_BYTES; received < 5e5; received += LARGEST_CHUNK_BYTES) {
    now += LARGEST_CHUNK_BYTES / 20_000;
    sender.acknowledged(received, now);
    fill();
    expect(sent - received).toBeLessThanOrEqual(4 * 20_000);
  }
});

it("takes old and repeated acknowledgements for what they are", () => {
  const sender = openSendWindow({
    from: 1000,
    totalBytes: 9000,
    paceBytesPerSecond: null,
    roundTripSeconds: 0,
    startedAt: 0,
  });
  for (let step = sender.next(0); step.kind === "send"; step = sender.next(0)) sender.sent(0);
  sender.acknowledged(6000, 1);
  sender.acknowledged(3000, 2);
  sender.acknowledged(6000, 3);
  expect(sender.acknowledgedBytes).toBeLessThanOrEqual(6000);
  expect(sender.next(3).kind).toBe("await-acknowledgement");
  sender.acknowledged(9000, 4);
  expect(sender.next(4)).toEqual({ kind: "done" });
});

it("makes chunks of a tenth of a second, of an eighth of the update, and within bounds", () => {
  expect(chunkBytes(LARGEST_CHUNK_BYTES * 40, null)).toBe(LARGEST_CHUNK_BYTES);
  expect(chunkBytes(1e6, 50_000)).toBe(5000);
  expect(chunkBytes(80_000, null)).toBe(10_000);
  expect(chunkBytes(1e6, 10)).toBe(1024);
  expect(chunkBytes(100, null)).toBe(100);
  expect(chunkBytes(1100, null)).toBe(550);
});
