import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectHost, joinScripted, writeTinyModel } from "@fedlodrop/harness";
import { expect, it } from "vitest";
import { hasRedis, openRedis } from "../../coordinator/src/gateway/redis.fixture.ts";
import { findPostgres, openPostgres } from "../../coordinator/src/store/postgres/postgres.fixture.ts";

const COMMAND = fileURLToPath(new URL("../bin/fedlodrop.mjs", import.meta.url));
const binaries = findPostgres();

it.skipIf(binaries === null || !hasRedis())(
  "one process is gateway and owner of a run (needs the packages postgresql and redis-server)",
  { timeout: 180_000 },
  async () => {
    const model = await mkdtemp(join(tmpdir(), "fedlodrop-both-"));
    await writeTinyModel(model);
    const undo: (() => unknown)[] = [() => rm(model, { recursive: true })];
    try {
      const postgres = await openPostgres(binaries as string);
      undo.push(postgres.close);
      const redis = await openRedis();
      undo.push(redis.close);
      const flags = [
        ...["--host", "127.0.0.1", "--port", "0", "--model", model, "--rank", "2", "--rounds", "1"],
        ...["--postgres", await postgres.database(), "--redis", redis.address],
      ];
      const child = spawn(process.execPath, [COMMAND, "serve", ...flags], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      undo.push(() => child.kill("SIGKILL"));
      let said = "";
      child.stdout.on("data", (text: Buffer) => {
        said += text;
      });
      const invitation = /join\s+(http:\S+)[\s\S]*#key=([\w-]+)/;
      await expect.poll(() => said, { timeout: 120_000 }).toMatch(invitation);
      const [, url, key] = invitation.exec(said) as unknown as [string, string, string];
      const host = await connectHost(url, key);
      const ada = await joinScripted(url, "ada");
      expect(await ada.ready()).toEqual({ kind: "accepted" });
      await host.ready(1);
      await host.command({ kind: "start" });
      const { round } = await ada.nextRound();
      const payload = await ada.download(round);
      expect(payload).toBeInstanceOf(Uint8Array);
      // What it has got is an update like any other.
      expect(await ada.upload(round, payload as Uint8Array)).toEqual({ kind: "accepted" });
      await host.ended(60);
      expect(host.view().rounds[0]?.participants).toMatchObject([{ id: "p1", outcome: "aggregated" }]);
      ada.close();
      host.close();
      child.kill("SIGTERM");
      const [code] = await once(child, "exit");
      expect(code).toBe(0);
    } finally {
      for (const one of undo.reverse()) await one();
    }
  },
);
