/** One seed, one adapter: whatever the timing, whoever else knocks at the door. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { joinScripted, nanUpdate, openParticipants, type ScriptedParticipant } from "@fedlodrop/harness";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { keptValueCount, type RunReport } from "@fedlodrop/run";
import { expect, fedlodrop, test } from "./fixtures.ts";

const DROPOUT = 0.25;
const ones = (count: number): Float32Array => new Float32Array(count).fill(1);
const RUN = [
  ...["--rounds", "2", "--dropout", String(DROPOUT), "--seed", "repeat", "--rank", "2"],
  ...["--local-steps", "2", "--batch-size", "2", "--sequence-length", "32"],
  ...["--samples-per-device", "8", "--evaluation-samples", "8"],
];

/** Knocks at the address as soon as somebody answers there, as a tab does that has lost its own coordinator. */
async function joinWhenThere(url: string): Promise<unknown> {
  await expect
    .poll(
      () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      { intervals: [20], timeout: 60_000 },
    )
    .toBe(true);
  return joinScripted(url, "stranger");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("federate writes the same adapter twice, and hostile updates do not change it", async ({
  chromium,
  folder,
  serve,
  tinyModel,
}) => {
  test.setTimeout(240_000);
  const federate = async (name: string, ...more: string[]): Promise<RunReport> => {
    const flags = ["--tabs", "2", "--backend", "wasm", "--model", tinyModel, "--json"];
    const { code, stdout, stderr } = await fedlodrop([
      ...["federate", ...flags, ...RUN, ...more],
      ...["--out", join(folder, name)],
    ]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as RunReport;
  };

  const first = await federate("first");
  await test.step("the report folder holds what was printed", async () => {
    const text = (name: string): Promise<string> => readFile(join(folder, "first", name), "utf8");
    expect(JSON.parse(await text("report.json"))).toEqual(first);
    expect(JSON.parse(await text("config.json"))).toEqual(first.config);
    const rounds = (await text("metrics.jsonl")).trimEnd().split("\n");
    expect(rounds.map((line) => JSON.parse(line))).toEqual(first.rounds);
    expect((await readFile(join(folder, "first", "adapter.safetensors"))).length).toBeGreaterThan(8);
  });
  const port = await freePort();
  const stranger = expect(joinWhenThere(`http://127.0.0.1:${port}/`)).rejects.toThrow("join: wrong-code");
  expect((await federate("second", "--port", String(port))).adapterSha256).toBe(first.adapterSha256);
  await stranger;

  const { url, fetchAsHost, host } = await serve("--model", tinyModel, "--devices", "2", ...RUN);
  const tabs = await openParticipants(chromium, 2, { url, backend: "wasm" });
  // Each has one wrong answer a round: the round waits for all of them, however fast the tabs are.
  const wrongAnswers = [
    ["wrong-length", (kept, round) => encodeSparseValues(ones(kept - 1), round, "f32")],
    ["stale-round", (kept, round) => encodeSparseValues(ones(kept), round + 1, "f32")],
    ["wrong-header", (kept, round) => new Uint8Array(encodeSparseValues(ones(kept), round, "f32").length)],
    ["non-finite", nanUpdate],
  ] as const satisfies readonly [string, (kept: number, round: number) => Uint8Array][];
  const hostiles: ScriptedParticipant[] = [];
  for (const [reason] of wrongAnswers) hostiles.push(await joinScripted(url, reason));
  for (const hostile of hostiles) expect(await hostile.ready()).toEqual({ kind: "accepted" });
  await host.command({ kind: "start" });
  for (const round of [1, 2]) {
    for (const [i, [reason, answer]] of wrongAnswers.entries()) {
      const hostile = hostiles[i]!;
      await hostile.nextRound();
      const kept = keptValueCount(hostile.identity.run.adapter, DROPOUT);
      expect(await hostile.upload(round, answer(kept, round))).toMatchObject({
        kind: "refused",
        reason,
        message: expect.stringMatching(/expected/),
      });
    }
    await host.until(({ rounds }) => rounds.length >= round, 60);
    const outcomes = host.view().rounds[round - 1]!.participants.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["aggregated", "aggregated", "refused", "refused", "refused", "refused"]);
  }
  const report = (await (await fetchAsHost("api/report")).json()) as RunReport;
  expect(report.adapterSha256).toBe(first.adapterSha256);
  for (const hostile of hostiles) hostile.close();
  await Promise.all(tabs.map((tab) => tab.close()));
});
