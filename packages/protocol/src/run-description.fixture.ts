/** A run as its devices are told of it, for tests of both sides of the wire. */
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import type { RunDescription } from "./messages.ts";

export const description: RunDescription = {
  runId: "r1",
  modelVersion: "1234abcd",
  config: DEFAULT_RUN_CONFIG,
  task: {
    name: "t",
    title: "T",
    story: "",
    textsFrom: "coordinator",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    prompts: [],
  },
  adapter: { rank: 1, alpha: 1, modules: [{ name: "m", inFeatures: 4, outFeatures: 4 }], dense: [] },
};
