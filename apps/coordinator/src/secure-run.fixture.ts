/** Whole runs under secure aggregation over real sockets, and what a round of them must give. */
import { adapterSize, atOnce, type RunConfig, subAdapter } from "@fedlodrop/run";
import { expect } from "vitest";
import { beginMean } from "../../../packages/federation/src/update/exact-mean.ts";
import { shape, start } from "./app.fixture.ts";
import { systemClock } from "./clock.ts";
import type { Coordinator, CoordinatorOptions } from "./coordinator.ts";
import {
  changesOf,
  participateSecurely,
  type SecureParticipant,
  type SecureScript,
  type StepName,
} from "./secure-participant.fixture.ts";

const size = adapterSize(shape);
const secureAggregation = true;
export const STEPS: readonly StepName[] = ["keys", "shares", "input", "signature", "reveal"];

export const SECURELY = { secureAggregation, rounds: 1, maxDropoutRate: 0.6, method: "random" } as const;

export async function startSecurely(
  change: Partial<RunConfig> = {},
  options: Partial<CoordinatorOptions> = {},
) {
  const lines: string[] = [];
  const started = await start(
    { ...SECURELY, ...change },
    { clock: systemClock, graceSeconds: 0.1, log: (line) => lines.push(line), ...options },
  );
  return { ...started, lines };
}

/** Plays a run with these devices to its end. */
export async function playRun(
  scripts: readonly SecureScript[],
  change: Partial<RunConfig> = {},
  options: Partial<CoordinatorOptions> = {},
) {
  const least = { minParticipants: scripts.length };
  const { coordinator, url, lines } = await startSecurely({ ...least, ...change }, options);
  const devices: SecureParticipant[] = [];
  for (const [k, script] of scripts.entries())
    devices.push(await participateSecurely(url, `device ${k}`, script));
  const before = coordinator.adapter;
  await coordinator.command({ kind: "start" });
  return { coordinator, url, devices, before, lines };
}

/**
 * What a round must give: by coordinate, the plain mean of those whose inputs came, or the old value. Of whom a device knows
 * that they share their secrets, `senders`, one alone is closed; few give a sum only if all of them last.
 */
function expectedAdapter(
  seed: string,
  before: Float32Array,
  devices: readonly SecureParticipant[],
  { roster, senders, inputs }: Record<"roster" | "senders" | "inputs", ReadonlySet<string>>,
): Float32Array {
  const bearable = roster.size - Math.ceil((2 / 3) * roster.size);
  const mean = beginMean(size);
  const keepers = Array.from({ length: size }, () => [] as string[]);
  for (const { id, starts } of devices) {
    if (!senders.has(id)) continue;
    const { round, dropoutRate, secure } = starts.get(1)!;
    const { indices } = subAdapter(shape, { seed, round, participantId: id, dropoutRate });
    for (const index of indices) keepers[index]!.push(id);
    const changes = changesOf(id, round, indices.length);
    if (inputs.has(id)) atOnce(mean.take({ participantId: id, changes, indices, weight: secure!.weight }));
  }
  const plain = atOnce(mean.finish(before)).adapter;
  return plain.map((value, i) => {
    const mine = keepers[i]!;
    const isFirm = mine.length - 1 < 1 + bearable;
    const isKnown = mine.length > 1 && (!isFirm || mine.every((id) => inputs.has(id)));
    return isKnown && mine.some((id) => inputs.has(id)) ? value : before[i]!;
  });
}

const idsWhere = (devices: readonly SecureParticipant[], lasts: (k: number) => boolean) =>
  new Set(devices.filter((_, k) => lasts(k)).map(({ id }) => id));

/** Whether a device that vanishes in `gone` does its part in `step`. */
const does = (gone: StepName | undefined, step: StepName): boolean =>
  gone === undefined || STEPS.indexOf(gone) > STEPS.indexOf(step);

export function expectRound(
  coordinator: Coordinator,
  before: Float32Array,
  devices: readonly SecureParticipant[],
  gone: readonly (StepName | undefined)[],
): void {
  const answered = (step: StepName) => idsWhere(devices, (k) => does(gone[k], step));
  const sets = { roster: answered("keys"), senders: answered("shares"), inputs: answered("input") };
  const { seed } = coordinator.state.config;
  expect([...coordinator.adapter]).toEqual([...expectedAdapter(seed, before, devices, sets)]);
  const [record] = coordinator.report().rounds;
  expect(record?.secureAggregation?.problem).toBeNull();
  const aggregated = record?.participants.filter(({ outcome }) => outcome === "aggregated");
  expect(new Set(aggregated?.map(({ id }) => id))).toEqual(sets.inputs);
}
