/**
 * A participant without a browser that says exactly what a test wants: the wrong bytes, at the wrong time, or
 * honest ones. It speaks the protocol and trains nothing.
 */
import {
  type Accepted,
  type ClientToServerEvents,
  type DeviceFacts,
  encodeSparseValues,
  type Joined,
  PROTOCOL_VERSION,
  type Refused,
  type RoundStart,
  type ServerToClientEvents,
  type UpdateStatistics,
} from "@fedlodrop/protocol";
import { io, type Socket } from "socket.io-client";
import { siteOf } from "./site.ts";

export interface ScriptedParticipant {
  readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly identity: Joined;
  /** Says that model and data are loaded. */
  ready(): Promise<Accepted | Refused>;
  /** The next round this participant is asked to take part in. */
  nextRound(timeoutSeconds?: number): Promise<RoundStart>;
  /** The encoded sub-adapter. */
  download(round: number): Promise<Uint8Array | Refused>;
  /** Uploads `payload` for `round`; resolves with the first refusal, else with the acceptance. */
  upload(
    round: number,
    payload: Uint8Array,
    statistics?: Partial<UpdateStatistics>,
  ): Promise<Accepted | Refused>;
  close(): void;
}

const SAMPLE_COUNT = 10;
/** As pages send them. */
const CHUNK_BYTES = 64 * 1024;
const DEVICE: DeviceFacts = {
  backend: "cpu",
  deviceDescription: "scripted participant",
  sampleCount: SAMPLE_COUNT,
  firstStepSeconds: 0.1,
  stepSeconds: 0.1,
  roundTripSeconds: 0.01,
  energyProfile: { kind: "cpu", computeWatts: 10, radioWatts: 1, batteryWattHours: null, source: "modelled" },
};
const STATISTICS: UpdateStatistics = {
  sampleCount: SAMPLE_COUNT,
  trainLoss: 1,
  steps: 1,
  tokens: 64,
  secondsDownload: 0.01,
  secondsCompute: 0.1,
  secondsUpload: 0.01,
  roundTripSeconds: 0.01,
  downlinkBytesPerSecond: null,
  uplinkBytesPerSecond: null,
  uploadLimitedBy: "sender",
  energyJoules: 1,
  energySource: "modelled",
  gradientNorm95: 1,
  lossSpread: 1,
};

/** Joins the run at `url`, with the room code where it needs one. Throws with the reason when the coordinator refuses. */
export async function joinScripted(
  url: string,
  nickname: string,
  code?: string,
): Promise<ScriptedParticipant> {
  const site = siteOf(url);
  const socket: ScriptedParticipant["socket"] = io(site.origin, {
    path: site.socketPath,
    transports: ["websocket"],
    forceNew: true,
  });
  const waiting: RoundStart[] = [];
  /** Of whoever waits for a round; a wait that is over hears nothing. */
  let wake = (): void => {};
  let giveUp = (): void => {};
  let isClosed = false;
  let attempts = 0;
  socket.on("round-start", (start) => {
    waiting.push(start);
    wake();
  });
  const patient = socket.timeout(10_000);
  const identity = await patient.emitWithAck("join", {
    protocolVersion: PROTOCOL_VERSION,
    nickname,
    ...(code !== undefined && { code }),
  });
  if (identity.kind === "refused") {
    socket.close();
    throw new Error(`join: ${identity.reason}: ${identity.message}`);
  }

  return {
    socket,
    identity,
    ready: () => patient.emitWithAck("ready", { runId: identity.run.runId, ...DEVICE }),
    async nextRound(timeoutSeconds = 60) {
      if (waiting.length === 0)
        await new Promise<void>((resolve, reject) => {
          const closed = (): void => reject(new Error(`${nickname}: closed while it waited for a round`));
          if (isClosed) return closed();
          const timer = setTimeout(
            () => reject(new Error(`${nickname}: no round within ${timeoutSeconds} s`)),
            timeoutSeconds * 1000,
          );
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          giveUp = () => {
            clearTimeout(timer);
            closed();
          };
        });
      return waiting.shift() as RoundStart;
    },
    async download(round) {
      const response = await fetch(site.at(`api/sub-adapter?round=${round}`), {
        headers: { authorization: `Bearer ${identity.token}` },
      });
      return response.ok
        ? new Uint8Array(await response.arrayBuffer())
        : ((await response.json()) as Refused);
    },
    async upload(round, payload, statistics = {}) {
      attempts += 1;
      const begun = await patient.emitWithAck("upload-begin", {
        round,
        bytes: payload.byteLength,
        attempt: attempts,
      });
      if (begun.kind === "refused") return begun;
      for (let offset = 0; offset < payload.byteLength; offset += CHUNK_BYTES) {
        const chunk = payload.subarray(offset, offset + CHUNK_BYTES);
        const taken = await patient.emitWithAck("upload-chunk", { round, offset }, chunk);
        if (taken.kind === "refused") return taken;
      }
      return patient.emitWithAck("upload-end", { round, statistics: { ...STATISTICS, ...statistics } });
    },
    close: () => {
      isClosed = true;
      socket.close();
      giveUp();
    },
  };
}

/** An update of the right length whose every value is NaN. */
export function nanUpdate(valueCount: number, round: number): Uint8Array {
  return encodeSparseValues(new Float32Array(valueCount).fill(Number.NaN), round, "f32");
}
