/**
 * A participant without a browser: a thread of this process that joins a run, trains in WebAssembly, or on a GPU where npm's
 * package `webgpu` is installed, and sends what came of it, with the very code of the pages. For servers, boards, and
 * federations in tests.
 */
import { availableParallelism } from "node:os";
import { deviceKind, energyProfile, type FromWorker, type OwnTexts, type ToWorker } from "@fedlodrop/device";
import type { RunEnded } from "@fedlodrop/protocol";
import { startWorker } from "./start-worker.ts";

export interface NodeDeviceOptions {
  readonly nickname?: string;
  /** Of the room, where it needs one. */
  readonly code?: string;
  /** `webgpu` needs npm's package of that name; null takes it where that finds a GPU. On wasm by default. */
  readonly backend?: "wasm" | "webgpu" | null;
  /** Of the processor, 1 or more; all it has by default. */
  readonly threads?: number;
  /** The process does nothing else, so that all its processor time is the device's. */
  readonly isAlone?: boolean;
  /** Trained on in place of texts that the coordinator deals. */
  readonly ownTexts?: OwnTexts;
  /** Drawn by computing, above idle; a typical processor's when absent. */
  readonly computeWatts?: number;
  /** Hears everything that the device says. */
  readonly heard?: (message: FromWorker) => void;
}

export interface NodeDevice {
  readonly nickname: string;
  /** Joined, loaded and warmed up, with its identity in the run. Rejects when it cannot be. */
  readonly ready: Promise<{ readonly participantId: string }>;
  /** When the run has ended. Rejects when the device can no longer take part. */
  readonly ended: Promise<RunEnded>;
  /** Says goodbye and ends the thread. */
  leave(): Promise<void>;
}

/** @param url the coordinator's, under which its pages stand. @throws when it is no http or https URL */
export function startNodeDevice(url: string, options: NodeDeviceOptions = {}): NodeDevice {
  const site = siteOf(url);
  const { nickname = "node", code = null, threads = availableParallelism(), computeWatts } = options;
  const { backend = "wasm", isAlone = false, ownTexts = null, heard = () => {} } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`node device: expected 1 thread or more, got ${threads}`);
  const mayUseGpu = backend !== "wasm";
  const worker = startWorker(new URL("./device-thread.ts", import.meta.url), { threads, isAlone, mayUseGpu });
  const tell = (message: ToWorker): void => worker.postMessage(message);
  const ready = openPromise<{ participantId: string }>();
  const ended = openPromise<RunEnded>();
  const left = openPromise<void>();
  // Whoever is not waited for must not end the process; the other one says the same.
  for (const { promise } of [ready, ended]) promise.catch(() => {});
  let participantId = "";

  const giveUp = (reason: string): void => {
    const error = new Error(`${nickname}: ${reason}`);
    ready.reject(error);
    ended.reject(error);
  };
  worker.on("message", (message: FromWorker) => {
    heard(message);
    switch (message.kind) {
      case "checked": {
        const { choice } = message;
        if (backend === "webgpu" && choice.backend !== "webgpu") {
          giveUp(`expected WebGPU by npm's package webgpu, got none (${choice.webgpu.detail})`);
          break;
        }
        const isOnGpu = choice.backend === "webgpu" && choice.webgpu.kind === "hardware";
        const kind = deviceKind({ mobile: false, gpu: isOnGpu ? choice.webgpu.detail : null });
        const profile = energyProfile(kind, { computeWatts });
        tell({ kind: "join", nickname, token: null, code, profile, ownTexts });
        break;
      }
      case "joined":
        participantId = message.participantId;
        break;
      case "ready":
        ready.resolve({ participantId });
        break;
      case "run-ended":
        ended.resolve(message.ended);
        break;
      case "join-refused":
      case "dismissed":
        if (message.refused.reason !== "awaiting-approval") giveUp(message.refused.message);
        break;
      case "texts-wanted":
        giveUp(message.message);
        break;
      case "failed":
        giveUp(message.error.message);
        break;
      case "left":
        left.resolve();
        break;
    }
  });
  worker.on("error", (error) => giveUp((error as Error).message));
  worker.on("exit", () => {
    giveUp("its thread has ended");
    left.resolve();
  });
  tell({ kind: "check", backend, site });

  return {
    nickname,
    ready: ready.promise,
    ended: ended.promise,
    async leave() {
      tell({ kind: "leave" });
      await left.promise;
      await worker.terminate();
    },
  };
}

/** The address that the pages stand under, with a slash at its end. */
function siteOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new Error(
      `expected the address that serve printed, such as http://192.168.1.5:7860/, got "${url}"`,
    );
  return `${parsed.origin}${parsed.pathname.replace(/\/?$/, "/")}`;
}

/** A promise that others settle. */
function openPromise<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
