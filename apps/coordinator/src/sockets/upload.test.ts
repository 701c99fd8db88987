import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { participate, phase, start, statistics } from "../app.fixture.ts";
import { createUploads, takeChunk } from "./upload.ts";

const expected = { kind: "open", runId: "run", values: null } as const;

describe("an upload on its way in", () => {
  it("is the announced bytes, whatever chunks come how often and in which order", () => {
    const total = 64;
    const source = Uint8Array.from({ length: total }, (_, i) => i + 1);
    fc.assert(
      fc.property(
        fc.array(fc.record({ offset: fc.nat(total + 4), length: fc.nat(24), resumes: fc.boolean() })),
        (chunks) => {
          const uploads = createUploads();
          const terms = { round: 1, bytes: total, attempt: 7 };
          let upload = uploads.open("p1", terms, expected);
          for (const { offset, length, resumes } of chunks) {
            // A connection that comes back, and says so.
            if (resumes) upload = uploads.open("p1", terms, expected);
            const before = upload.received;
            const chunk = source.slice(offset, offset + length);
            const refusal = takeChunk(upload, { offset }, chunk);
            const fits = offset === before && chunk.byteLength > 0;
            expect(upload.received).toBe(fits ? offset + chunk.byteLength : before);
            const isThere = chunk.byteLength > 0 && offset + chunk.byteLength <= before;
            expect(refusal === null).toBe(fits || isThere);
            expect(upload.buffer.subarray(0, upload.received)).toEqual(source.subarray(0, upload.received));
          }
        },
      ),
    );
  });

  it("begins anew with another attempt, round or size", () => {
    const uploads = createUploads();
    const terms = { round: 1, bytes: 8, attempt: 7 };
    takeChunk(uploads.open("p1", terms, expected), { offset: 0 }, new Uint8Array(4));
    expect(uploads.open("p1", terms, expected).received).toBe(4);
    expect(uploads.open("p2", terms, expected).received).toBe(0);
    for (const change of [{ attempt: 8 }, { round: 2 }, { bytes: 9 }])
      expect(uploads.open("p1", { ...terms, ...change }, expected).received).toBe(0);
    expect(uploads.open("p1", { ...terms, bytes: 9 }, { ...expected, runId: "another" }).received).toBe(0);
    uploads.close("p1");
    expect(uploads.of("p1")).toBeUndefined();
    uploads.roundOver(1);
    expect(uploads.of("p2")).toBeUndefined();
  });

  it("goes on over a new connection of the same participant, and counts once", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    const bytes = await ada.update(await ada.nextStart(1));
    const begin = { round: 1, bytes: bytes.byteLength, attempt: 3 };
    expect(await ada.socket.emitWithAck("upload-begin", begin)).toEqual({ kind: "received", received: 0 });
    const half = await ada.socket.emitWithAck("upload-chunk", { round: 1, offset: 0 }, bytes.slice(0, 50));
    expect(half).toEqual({ kind: "received", received: 50 });
    ada.socket.disconnect();
    const again = await participate(url, "ada", { token: ada.identity.token, resumesRound: 1 });
    expect(await again.socket.emitWithAck("upload-begin", begin)).toEqual({ kind: "received", received: 50 });
    const rest = await again.socket.emitWithAck("upload-chunk", { round: 1, offset: 50 }, bytes.slice(50));
    expect(rest).toEqual({ kind: "received", received: bytes.byteLength });
    const end = () => again.socket.emitWithAck("upload-end", { round: 1, statistics });
    expect(await end()).toEqual({ kind: "accepted" });
    expect(await end()).toMatchObject({ kind: "refused" });
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.participants[0]).toMatchObject({
      ...{ outcome: "aggregated", bytesUp: bytes.byteLength, secondsUpload: statistics.secondsUpload },
      uploadLimitedBy: statistics.uploadLimitedBy,
    });
  });
});
