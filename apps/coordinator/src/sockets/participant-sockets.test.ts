import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Joined, PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { expect, it, onTestFinished, vi } from "vitest";
import type { RunSide } from "../gateway/run-side.ts";
import { limitsFor } from "../security/limits.ts";
import { createTurns } from "../turns.ts";
import { openParticipantSockets } from "./participant-sockets.ts";

it("speaks for nobody over a connection that left while it was let in", async () => {
  let letIn = (_: Joined): void => {};
  const asked = vi.fn();
  const gone = vi.fn(async () => {});
  const run = {
    join: () => {
      asked();
      return new Promise((resolve) => {
        letIn = resolve;
      });
    },
    gone,
  } as unknown as RunSide;
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const io = new Server(http);
  openParticipantSockets({
    ...{ io, run: () => run, nowMs: () => 0, limits: () => limitsFor(8), trustProxy: false },
    ...{ turns: createTurns(), refusing: () => {} },
  });
  const socket = connect(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  onTestFinished(async () => {
    socket.close();
    await io.close();
  });
  const joined = socket.emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "ada" });
  await expect.poll(() => asked.mock.calls.length).toBe(1);
  await socket.emitWithAck("leave");
  letIn({ kind: "joined", participantId: "p1" } as Joined);
  await joined;
  expect(await socket.emitWithAck("upload-begin", { round: 1, bytes: 16, attempt: 0 })).toMatchObject({
    reason: "unknown-participant",
  });
  expect(gone.mock.calls).toEqual([
    [socket.id, "left"],
    [socket.id, "disconnected"],
  ]);
});
