/** A real coordinator to attack, on this machine's loopback, with a model-free workload and the limits taken off: what
 *  is behind them is what is tried here. */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buildCoordinator, type Coordinator, type RunStore, type Workload } from "@fedlodrop/coordinator";
import { type AdapterShape, DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";

export const SMALL_SHAPE: AdapterShape = {
  rank: 2,
  alpha: 4,
  modules: [{ name: "m", inFeatures: 48, outFeatures: 48 }],
  dense: [],
};

const workload = (adapter: AdapterShape): Workload => ({
  adapter,
  task: {
    name: "fuzz",
    title: "Fuzz",
    story: "",
    textsFrom: "coordinator",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    prompts: [],
  },
  deviceCount: 4,
  deviceSplit: (index) => ({ device: `device ${index}`, samples: [{ text: `text ${index}` }] }),
  largestSplit: 24,
  evaluate: null,
  modelDirectory: join(import.meta.dirname, "../../models/base"),
  modelManifest: { version: "1234abcd", files: [] },
  startingAdapter: null,
  serializePeft: async () => new Uint8Array(4),
  serializeAdapter: async (values) => new Uint8Array(values.buffer.slice(0)),
  close: async () => {},
});

export const HOST_KEY = "the host's own key";
const UNLIMITED = Number.MAX_SAFE_INTEGER;

export interface Quarry {
  readonly coordinator: Coordinator;
  readonly url: string;
  readonly shape: AdapterShape;
}

/** Everything that one sender may do at most, out of reach. */
export const NO_LIMITS = {
  newSocketsPerAddressAndMinute: UNLIMITED,
  newcomersPerAddressAndMinute: UNLIMITED,
  wrongKeysPerAddressAndMinute: UNLIMITED,
  wrongTokensPerAddressAndMinute: UNLIMITED,
  readingsPerHolderAndMinute: UNLIMITED,
  packetsPerSecond: UNLIMITED,
  packetBurst: UNLIMITED,
  bytesPerSecond: UNLIMITED,
  byteBurst: UNLIMITED,
  eventsPerSecond: UNLIMITED,
  eventBurst: UNLIMITED,
} as const;

interface QuarryOptions {
  readonly store?: RunStore;
  readonly shape: AdapterShape;
  readonly config: Partial<RunConfig>;
  readonly limits: Partial<typeof NO_LIMITS>;
}

export async function openQuarry({ shape, config, limits, store }: QuarryOptions): Promise<Quarry> {
  const coordinator = await buildCoordinator({
    config: { ...DEFAULT_RUN_CONFIG, rounds: 1, deadlineSeconds: 86_400, ...config },
    loadWorkload: async () => workload(shape),
    hostKey: HOST_KEY,
    joinUrl: () => "http://quarry/",
    graceSeconds: 1,
    limits,
    ...(store && { store }),
  });
  await coordinator.http.listen({ port: 0, host: "127.0.0.1" });
  const { port } = coordinator.http.server.address() as AddressInfo;
  return { coordinator, url: `http://127.0.0.1:${port}/`, shape };
}
