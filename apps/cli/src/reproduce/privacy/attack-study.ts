/** Attacks over dropout rates, clipping and noise; each result is kept as a line of JSON, so that a study goes on where it was stopped. */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  adapterShape,
  createTrainer,
  type Dataset,
  datasetFromSamples,
  type LocalTrainer,
} from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import { noiseMultiplierFor, secureUniform } from "@fedlodrop/privacy";
import { type AdapterShape, createRandom, initialAdapter, resolveRunConfig, shuffled } from "@fedlodrop/run";
import { prepareTask } from "@fedlodrop/tasks/node";
import { z } from "zod";
import { shipped } from "../../shipped.ts";
import { taskDefaults } from "../../workload.ts";
import { simulatedDevices } from "../device-model.ts";
import { federate } from "../in-process-federation.ts";
import { invert } from "./inversion.ts";

const inversionSchema = z.object({
  attack: z.literal("inversion"),
  dropoutRate: z.number(),
  localSteps: z.int(),
  noise: z.number(),
  trial: z.int(),
  /** Texts that it could be. */
  texts: z.int(),
  found: z.number(),
  rank: z.int(),
});
const membershipSchema = z.object({
  attack: z.literal("membership"),
  dropoutRate: z.number(),
  /** Of the whole run, protecting devices; null is without noise. */
  epsilon: z.number().nullable(),
  trial: z.int(),
  texts: z.int(),
  rounds: z.int(),
  isMember: z.array(z.boolean()),
  losses: z.array(z.number()),
  base: z.array(z.number()),
});
const resultSchema = z.discriminatedUnion("attack", [inversionSchema, membershipSchema]);
export type InversionResult = z.infer<typeof inversionSchema>;
export type MembershipResult = z.infer<typeof membershipSchema>;
export type AttackResult = z.infer<typeof resultSchema>;

export interface AttackSize {
  readonly inversionTrials: number;
  readonly membershipTrials: number;
  readonly rounds: number;
  readonly texts: number;
}
export const FULL_ATTACKS: AttackSize = { inversionTrials: 8, membershipTrials: 16, rounds: 8, texts: 32 };
export const QUICK_ATTACKS: AttackSize = { inversionTrials: 1, membershipTrials: 3, rounds: 2, texts: 8 };

const RATES = [0, 0.3, 0.5, 0.7, 0.9];
const EPSILONS = [10_000, 1000, 8];
const DELTA = 1e-5;
const CLIP = 1;
const DEVICES = 2;
/** Tokens of a text that is to be read back, and those that the attacker chooses each of them among. */
const LONE_TOKENS = 8;
const CANDIDATES = 20;

interface Inverted {
  readonly dropoutRate: number;
  readonly localSteps: number;
  readonly noise: number;
}
/** Noise is over the update's norm: for n kept values, noise 1/√n on each is as long as the update. */
const INVERSIONS: readonly Inverted[] = [
  ...RATES.map((dropoutRate) => ({ dropoutRate, localSteps: 1, noise: 0 })),
  ...[0, 0.5].map((dropoutRate) => ({ dropoutRate, localSteps: 8, noise: 0 })),
  ...[0.03, 0.3, 3].map((noise) => ({ dropoutRate: 0, localSteps: 1, noise })),
];
interface Trained {
  readonly dropoutRate: number;
  readonly epsilon: number | null;
  readonly rounds: number;
}
/** After one round texts are not yet known by heart: there is something left for dropout to hide. */
const membershipsOf = (rounds: number): readonly Trained[] => [
  ...RATES.map((dropoutRate) => ({ dropoutRate, epsilon: null, rounds })),
  ...EPSILONS.map((epsilon) => ({ dropoutRate: 0, epsilon, rounds })),
  { dropoutRate: 0.5, epsilon: 1000, rounds },
  ...RATES.map((dropoutRate) => ({ dropoutRate, epsilon: null, rounds: 1 })),
];

/** Of this size alone: a quick study may have written into the same file. A last line that was cut short does not count. */
export async function readAttacks(
  path: string,
  { texts, rounds }: AttackSize,
): Promise<readonly AttackResult[]> {
  return wholeLines(await readKept(path))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => resultSchema.parse(JSON.parse(line)))
    .filter(
      (own) =>
        own.texts === texts && (own.attack === "inversion" || own.rounds === rounds || own.rounds === 1),
    );
}

const readKept = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });

const wholeLines = (text: string): string => text.slice(0, text.lastIndexOf("\n") + 1);

/** Trials of inversion before those of membership. */
const FIRST_INVERSIONS = 2;

export async function runAttacks(size: AttackSize, path: string, say: (line: string) => void): Promise<void> {
  const kept = await readKept(path);
  if (!kept.endsWith("\n") && kept !== "") await writeFile(path, wholeLines(kept));
  const known = new Set((await readAttacks(path, size)).map(keyOf));
  await mkdir(dirname(path), { recursive: true });
  const lab = await openAttackLab(size.texts);
  const startedMs = Date.now();
  const trialsOf = <S extends object>(settings: readonly S[], from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from) }, (_, k) =>
      settings.map((setting) => ({ ...setting, trial: from + k })),
    ).flat();
  const memberships = membershipsOf(size.rounds).map((setting) => ({
    attack: "membership" as const,
    ...setting,
  }));
  const inversions = INVERSIONS.map((setting) => ({ attack: "inversion" as const, ...setting }));
  const { inversionTrials, membershipTrials } = size;
  const first = Math.min(FIRST_INVERSIONS, inversionTrials);
  // A study that is stopped early has some of everything; shadow runs need more of their own kind first.
  const todo = [
    ...trialsOf(inversions, 0, first),
    ...trialsOf(memberships, 0, membershipTrials),
    ...trialsOf(inversions, first, inversionTrials),
  ].filter((each) => !known.has(keyOf(each)));
  for (const [done, next] of todo.entries()) {
    const result: AttackResult =
      next.attack === "inversion"
        ? { ...next, texts: size.texts, ...(await invertOne(lab, next)) }
        : { ...next, texts: size.texts, ...(await trainOne(lab, next)) };
    await appendFile(path, `${JSON.stringify(result)}\n`);
    const minutes = (((Date.now() - startedMs) / (done + 1)) * (todo.length - done - 1)) / 60_000;
    say(`${done + 1}/${todo.length} ${keyOf(next)} (about ${Math.ceil(minutes)} min left)`);
  }
  lab.trainer.dispose();
}

type Key =
  | (Inverted & { readonly attack: "inversion"; readonly trial: number })
  | (Trained & { readonly attack: "membership"; readonly trial: number });

const keyOf = (key: Key): string =>
  key.attack === "inversion"
    ? `inversion γ ${key.dropoutRate} steps ${key.localSteps} noise ${key.noise} trial ${key.trial}`
    : `membership γ ${key.dropoutRate} ε ${key.epsilon ?? "∞"} rounds ${key.rounds} trial ${key.trial}`;

interface AttackLab {
  readonly trainer: LocalTrainer;
  readonly shape: AdapterShape;
  readonly config: ReturnType<typeof resolveRunConfig>;
  /** Texts that may have been trained on. */
  readonly windows: readonly Int32Array[];
  readonly base: readonly number[];
  /** Tokens, the most frequent first. */
  readonly vocabulary: readonly number[];
}

async function openAttackLab(texts: number): Promise<AttackLab> {
  const own = await taskDefaults("presidents");
  const config = resolveRunConfig({
    ...own,
    task: "presidents",
    seed: "attacks",
    devices: DEVICES,
    aggregation: "mean",
    method: "fixed",
    training: { ...own.training, sequenceLength: 32, localSteps: 8, batchSize: 4, learningRate: 0.004 },
  });
  const { training, rank, alpha, targetModules } = config;
  const { sequenceLength } = training;
  const task = await prepareTask("presidents", {
    devices: DEVICES,
    rule: config.split,
    seed: config.seed,
    samplesPerDevice: null,
    sequenceLength,
    heldOutSamples: 1,
  });
  const { model, tokenizer } = await readModel(shipped("models/base"));
  const shape = adapterShape(model.config, { rank, alpha, targetModules });
  const trainer = await createTrainer({ backend: "wasm", model, adapter: shape, wasmHost: nodeHost(1) });
  const all = datasetFromSamples(
    task.devices.flatMap(({ train }) => train),
    tokenizer,
    { kind: "language-model", sequenceLength },
  );
  if (all.kind !== "language-model") throw new Error(`attacks: expected texts, got ${all.kind}`);
  const windows = shuffled(all.windows, createRandom("attacks", "texts")).slice(0, texts);
  const counts = new Map<number, number>();
  for (const window of all.windows) for (const id of window) counts.set(id, (counts.get(id) ?? 0) + 1);
  const vocabulary = [...counts].sort((a, b) => b[1] - a[1]).map(([id]) => id);
  return { trainer, shape, config, windows, base: await lossesOf(trainer, windows), vocabulary };
}

async function lossesOf(
  trainer: LocalTrainer,
  windows: readonly Int32Array[],
  adapter?: Float32Array,
): Promise<number[]> {
  const losses: number[] = [];
  for (const window of windows) losses.push((await trainer.evaluate(datasetOf([window]), adapter)).loss);
  return losses;
}

const datasetOf = (windows: readonly Int32Array[]): Dataset => ({ kind: "language-model", windows });

/** A device with one short text, in the second of two rounds: in the first one B is zero and A learns nothing. */
async function invertOne(lab: AttackLab, { trial, ...setting }: Inverted & { readonly trial: number }) {
  const { trainer, shape, config, windows, vocabulary } = lab;
  const random = createRandom("attacks", "adapter");
  const adapter = initialAdapter(shape, config.seed).map((value) => value + 0.01 * random.normal());
  const texts = windows.slice(0, CANDIDATES).map((window) => window.slice(1, 1 + LONE_TOKENS));
  const task = { trainer, shape, adapter, training: config.training, texts, vocabulary };
  return invert({ ...task, candidates: CANDIDATES }, setting, trial % texts.length);
}

/** Half of the texts, dealt to the devices, for so many rounds. */
async function trainOne(
  { trainer, shape, config, windows, base }: AttackLab,
  { dropoutRate, epsilon, rounds, trial }: Trained & { readonly trial: number },
) {
  const drawn = shuffled(
    windows.map((_, text) => text),
    createRandom("attacks", "members", trial),
  ).slice(0, windows.length / 2);
  const members = new Set(drawn);
  const parts = Array.from({ length: DEVICES }, (_, device) =>
    datasetOf(drawn.filter((_, k) => k % DEVICES === device).map((text) => windows[text] as Int32Array)),
  );
  const noise = createRandom("attacks", "noise", trial, dropoutRate, epsilon ?? 0);
  const noiseMultiplier = epsilon === null ? null : noiseMultiplierFor(epsilon, DELTA, rounds);
  let adapter: Float32Array | undefined;
  for await (const outcome of federate({
    trainer,
    shape,
    config: { ...config, rounds, dropoutRate, seed: `attacks ${trial}` },
    devices: simulatedDevices(parts),
    ...(noiseMultiplier !== null && {
      // Repeatable, which the noise of a real run must not be.
      privacy: {
        clip: CLIP,
        noiseMultiplier,
        uniform: secureUniform((length) => Uint8Array.from({ length }, () => noise.below(256))),
      },
    }),
  }))
    adapter = outcome.adapter;
  return {
    isMember: windows.map((_, text) => members.has(text)),
    losses: await lossesOf(trainer, windows, adapter),
    base: [...base],
  };
}
