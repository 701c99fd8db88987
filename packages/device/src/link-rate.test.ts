/** A real upload over real sockets and a link that is slow and far away. */
import { openLink as openRelay } from "@fedlodrop/harness";
import { type UpdateStatistics, updateStatisticsSchema } from "@fedlodrop/protocol";
import { expect, it } from "vitest";
import { closing, connect, openCoordinator } from "./coordinator.fixture.ts";
import { measureRoundTrip } from "./round.ts";
import { type SentUpload, sendUpload } from "./upload.ts";

const LINK = 2e6;
const never = new AbortController().signal;
const describe = (sent: SentUpload): UpdateStatistics => ({
  ...{ sampleCount: 1, trainLoss: 1, steps: 1, tokens: 1, secondsDownload: 0, secondsCompute: 0 },
  ...{
    roundTripSeconds: 0,
    downlinkBytesPerSecond: null,
    energyJoules: 0,
    energySource: "modelled" as const,
  },
  ...{ gradientNorm95: 0, lossSpread: 0, secondsUpload: sent.seconds },
  ...{ uplinkBytesPerSecond: sent.bytesPerSecond, uploadLimitedBy: sent.limitedBy },
});

it.each([0.02, 0.1, 0.4])(
  "a link of 2 MB/s is read rightly at a round trip of %s s, and keeps its pace",
  async (roundTrip) => {
    const coordinator = await openCoordinator({ payload: new Uint8Array(16) });
    const relay = await openRelay(coordinator.url);
    closing.push(() => relay.close());
    const link = connect(relay.url, {}, null, 5);
    await link.persist(never, (socket) => socket.emitWithAck("ping"));
    relay.shape({ delaySeconds: roundTrip / 2, bytesPerSecond: LINK });
    const roundTripSeconds = await link.persist(never, measureRoundTrip);
    expect(roundTripSeconds).toBeGreaterThanOrEqual(roundTrip - 0.002);

    const bytes = Uint8Array.from({ length: 1_500_000 }, (_, i) => i % 256);
    const request = { round: 1, bytes, paceBytesPerSecond: null, roundTripSeconds };
    const uploads: SentUpload[] = [];
    for (let i = 0; i < 3; i++) {
      coordinator.accepted.length = 0;
      uploads.push(await sendUpload(link, request, describe, () => {}, never));
    }
    // The middle one, and with room: this process plays all sides, and now and then stands still for a while.
    uploads.sort((one, other) => one.bytesPerSecond! - other.bytesPerSecond!);
    const sent = uploads[1]!;
    expect(Math.abs(sent.bytesPerSecond! / LINK - 1)).toBeLessThan(0.35);
    expect(sent.limitedBy).toBe("link");
    // Not a round trip a chunk: forty-six of those would take eighteen seconds at the longest.
    expect(sent.seconds).toBeLessThan(bytes.byteLength / LINK + 8 * roundTrip + 3);
    expect([...coordinator.accepted[0]!.bytes.subarray(0, 512)]).toEqual([...bytes.subarray(0, 512)]);
    updateStatisticsSchema.parse(coordinator.accepted[0]!.end.statistics);

    coordinator.accepted.length = 0;
    const paced = { ...request, bytes: bytes.subarray(0, 300_000), paceBytesPerSecond: LINK / 4 };
    const slow = await sendUpload(link, paced, describe, () => {}, never);
    expect(slow.seconds).toBeGreaterThanOrEqual(0.6 - 0.002);
    expect(slow.seconds).toBeLessThan(0.6 + 4 * roundTrip + 3);
  },
);
