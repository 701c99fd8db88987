import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTinyModel } from "@fedlodrop/harness";
import { PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { resolveRunConfig } from "@fedlodrop/run";
import { io } from "socket.io-client";
import { expect, test } from "vitest";
import { ownCertificate } from "./certificate.ts";
import { startFederation } from "./federation.ts";

test("a coordinator speaks https: files, facts and sockets", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-https-"));
  await writeTinyModel(folder);
  const tls = await ownCertificate(["localhost"], join(folder, "https"));
  const config = resolveRunConfig({ model: folder, training: { sequenceLength: 32 } });
  const federation = await startFederation({ config, port: 0, tls, pages: false });
  const ca = tls.cert;
  try {
    expect(federation.url).toMatch(/^https:\/\/localhost:\d+\/$/);
    const status = await new Promise((resolve, reject) => {
      get(new URL("healthz", federation.url), { ca }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
    expect(status).toBe(200);
    const socket = io(federation.url, { ca, transports: ["websocket"], forceNew: true });
    const joined = await socket
      .timeout(10_000)
      .emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "ada" });
    expect(joined.kind).not.toBe("refused");
    socket.close();
  } finally {
    await federation.close();
    await rm(folder, { recursive: true });
  }
}, 120_000);
