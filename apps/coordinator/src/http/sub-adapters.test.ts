import { payloadBytes } from "@fedlodrop/protocol";
import { keptValueCount } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { participate, play, shape, start } from "../app.fixture.ts";

async function inRound() {
  const { coordinator, url } = await start({ dropoutRate: 0.4, quorum: 1 });
  const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
  await coordinator.command({ kind: "start" });
  await ada.nextStart(1);
  const bytes = payloadBytes(keptValueCount(shape, 0.4), "f32");
  return { coordinator, url, ada, ben, bytes };
}
const body = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

it("gives a member its sub-adapter, and from any byte on", async () => {
  const { ada, ben, bytes, coordinator } = await inRound();
  const first = await ada.download(1);
  expect(first.status).toBe(200);
  const etag = first.headers.get("etag")!;
  const whole = await body(first);
  expect(whole.byteLength).toBe(bytes);
  // Numbers travel as they are, although fetch() says that it takes brotli.
  expect([first.headers.get("content-encoding"), first.headers.get("content-length")]).toEqual([
    null,
    String(bytes),
  ]);
  const rest = await ada.download(1, { range: "bytes=100-", "if-range": etag });
  expect(rest.status).toBe(206);
  expect(rest.headers.get("content-range")).toBe(`bytes 100-${bytes - 1}/${bytes}`);
  expect(await body(rest)).toEqual(whole.slice(100));
  // Another's bytes are other bytes, and the rest of something else is not given.
  const other = await ben.download(1, { range: "bytes=100-", "if-range": etag });
  expect([other.status, (await body(other)).byteLength]).toEqual([200, bytes]);
  const beyond = await ada.download(1, { range: `bytes=${bytes}-` });
  expect(beyond.status).toBe(416);
  expect(beyond.headers.get("content-range")).toBe(`bytes */${bytes}`);
  // What travelled is counted where it travels.
  await play(ben, 1);
  await ada.upload(1, whole);
  await ada.closed(1);
  const [one, two] = coordinator.report().rounds[0]!.participants;
  expect([one!.bytesDown, two!.bytesDown]).toEqual([bytes + (bytes - 100), 2 * bytes]);
});

it("gives it whole twice and resumed sixteen times in a round, and anew in the next", async () => {
  const { ada, ben } = await inRound();
  const statuses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const response = await ada.download(1);
    statuses.push(response.status);
    if (!response.ok) expect(await response.json()).toMatchObject({ kind: "refused", reason: "used-up" });
    else await body(response);
  }
  expect(statuses).toEqual([200, 200, 429]);
  const resumed: number[] = [];
  for (let i = 0; i < 17; i++) resumed.push((await ada.download(1, { range: "bytes=8-" })).status);
  expect(resumed).toEqual([...Array(16).fill(206), 429]);
  await play(ben, 1);
  await ada.socket.emitWithAck("leave");
  await ben.nextStart(2);
  expect((await ben.download(2)).status).toBe(200);
});

it("says whose it is not, and why", async () => {
  const { url, ada, ben } = await inRound();
  const reason = async (response: Promise<Response>) => {
    const given = await response;
    return [given.status, ((await given.json()) as { reason?: string }).reason];
  };
  expect(await reason(ada.download(2))).toEqual([409, "stale-round"]);
  expect(await reason(ada.download(-1))).toEqual([400, "bad-message"]);
  expect(await reason(fetch(`${url}/api/sub-adapter?round=1`))).toEqual([401, undefined]);
  const asHost = fetch(`${url}/api/sub-adapter?round=1`, { headers: { authorization: "Bearer key" } });
  expect(await reason(asHost)).toEqual([403, "not-in-cohort"]);
  const cleo = await participate(url, "cleo");
  expect(await reason(cleo.download(1))).toEqual([409, "not-in-cohort"]);
  await play(ben, 1);
  expect(await reason(ben.download(1))).toEqual([409, "duplicate"]);
});
