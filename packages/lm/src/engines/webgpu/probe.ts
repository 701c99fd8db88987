/**
 * Picks the form of each kernel by timing all of them on this device, one purpose at a time and only those that a plan
 * needs. Nothing is assumed of an adapter: what wins on a GPU emulated by the CPU loses on a real one. A form that fails
 * or computes something else than the plain one, which shares nothing between invocations, is no candidate.
 */
import type { BaseType } from "../../plan/weight.ts";
import type { KernelChoice } from "../../trainer/engine-description.ts";
import { barrierCost, DEAR } from "./barriers.ts";
import type { ProbeKey } from "./choices.ts";
import { DeviceFailure, type WatchedDevice } from "./device.ts";
import { createEngineOn } from "./engine.ts";
import type { Pipelines } from "./pipelines.ts";
import { type ProbeWork, probeWork } from "./probe-work.ts";
import {
  formName,
  formsOf,
  isPlain,
  type KernelVariants,
  needsBarriers,
  type Purpose,
  variantsOf,
} from "./variants.ts";

/** Time for one purpose after its compiling runs, but at least MIN_TURNS of each form. */
const PROBE_SECONDS = 0.06;
const MIN_TURNS = 3;
const MAX_TURNS = 12;
/** A form this much slower than the best in its first turn is given up. */
const HOPELESS = 3;
/** Of the largest value: two right forms differ by the order of their sums alone. */
const AGREEMENT = 1e-4;

export interface Probe {
  readonly variants: KernelVariants;
  readonly known: ReadonlySet<ProbeKey>;
  readonly barriersAreCheap: boolean;
  readonly measured: readonly KernelChoice[];
  /** The kernels to use; measures those of the given choices that have not been measured. */
  choose(keys: Iterable<ProbeKey>): Promise<KernelVariants>;
}

/** @param before what was measured on an earlier device of the same adapter */
export function openProbe(watch: WatchedDevice, pipelines: Pipelines, before?: Probe): Probe {
  const measured: KernelChoice[] = [...(before?.measured ?? [])];
  const known = new Set<ProbeKey>(before?.known);
  let variants = before?.variants ?? variantsOf(watch.subgroups, 0);
  /** Probes take turns: two at once would time each other. */
  let turn: Promise<unknown> = Promise.resolve();
  let barriersAreCheap = before?.barriersAreCheap ?? true;
  const measureBarriers = async (): Promise<void> => {
    const { withSeconds, withoutSeconds } = await barrierCost(watch, pipelines);
    barriersAreCheap = withSeconds <= DEAR * withoutSeconds;
    measured.push({
      kernel: "barriers",
      chosen: barriersAreCheap ? "with" : "without",
      seconds: { with: withSeconds, without: withoutSeconds },
    });
  };
  const measure = async (keys: Iterable<ProbeKey>): Promise<KernelVariants> => {
    for (const key of keys) {
      if (known.has(key)) continue;
      if (measured.length === 0) await measureBarriers();
      const best = await measureOne(key, barriersAreCheap, watch, pipelines);
      known.add(key);
      measured.push(best.choice);
      variants = best.apply(variants);
    }
    return variants;
  };
  return {
    get variants() {
      return variants;
    },
    get barriersAreCheap() {
      return barriersAreCheap;
    },
    known,
    measured,
    choose(keys) {
      const result = turn.then(() => measure(keys));
      turn = result.catch(() => {});
      return result;
    },
  };
}

interface Candidate {
  readonly name: string;
  readonly isPlain: boolean;
  readonly apply: (variants: KernelVariants) => KernelVariants;
  readonly run: () => Promise<void>;
  readonly output: Float32Array;
  readonly dispose: () => void;
  seconds: number;
}

async function measureOne(
  key: ProbeKey,
  barriersAreCheap: boolean,
  watch: WatchedDevice,
  pipelines: Pipelines,
): Promise<{ readonly choice: KernelChoice; readonly apply: Candidate["apply"] }> {
  const work = probeWork(key);
  const opened = await Promise.all(
    candidatesOf(key, watch.subgroups, barriersAreCheap).map((form) =>
      openCandidate(form, work, watch, pipelines),
    ),
  );
  try {
    const running = opened.filter((candidate) => candidate !== null);
    const trusted = running.find(({ isPlain }) => isPlain) ?? running[0];
    if (!trusted) throw new DeviceFailure(`no form of ${key} runs on ${watch.name}`, false);
    let racing = running.filter(({ output }) => agree(output, trusted.output));
    for (let turn = 0, spent = 0; turn < MAX_TURNS; turn++) {
      if (turn >= MIN_TURNS && spent > PROBE_SECONDS) break;
      for (const candidate of racing) {
        const start = performance.now();
        await candidate.run();
        const seconds = (performance.now() - start) / 1000 / work.calls.length;
        candidate.seconds = Math.min(candidate.seconds, seconds);
        spent += seconds * work.calls.length;
      }
      const best = Math.min(...racing.map(({ seconds }) => seconds));
      racing = racing.filter(({ seconds }) => seconds <= HOPELESS * best);
    }
    const timed = running.filter(({ seconds }) => Number.isFinite(seconds));
    const best = timed.reduce((fastest, other) => (other.seconds < fastest.seconds ? other : fastest));
    const seconds = Object.fromEntries(timed.map(({ name, seconds }) => [name, seconds]));
    return { choice: { kernel: key, chosen: best.name, seconds }, apply: best.apply };
  } finally {
    for (const candidate of opened) candidate?.dispose();
  }
}

type Form = Pick<Candidate, "name" | "isPlain" | "apply">;

/** The forms of a choice that may be fast here, each with how it is put into the variants. */
function candidatesOf(key: ProbeKey, subgroups: boolean, barriersAreCheap: boolean): readonly Form[] {
  const forms = formsOf(subgroups);
  const [purpose, base] = key.split(" ") as [Purpose, BaseType | undefined];
  const fits = (form: Parameters<typeof needsBarriers>[0]): boolean =>
    barriersAreCheap || !needsBarriers(form);
  if (purpose === "product" || purpose === "transposedProduct")
    return forms[purpose].filter(fits).map((form) => ({
      ...{ name: formName(form), isPlain: isPlain(form) },
      apply: (variants) => ({ ...variants, [purpose]: { ...variants[purpose], [base as BaseType]: form } }),
    }));
  return forms[purpose].filter(fits).map((form) => ({
    ...{ name: formName(form), isPlain: isPlain(form) },
    apply: (variants) => ({ ...variants, [purpose]: form }),
  }));
}

/** Compiles a form, runs it once and reads what it computed; null when the device will not have it. */
async function openCandidate(
  form: Form,
  work: ProbeWork,
  watch: WatchedDevice,
  pipelines: Pipelines,
): Promise<Candidate | null> {
  const variants = form.apply(variantsOf(watch.subgroups, 0));
  const engine = createEngineOn({ watch, pipelines }, async () => variants, []);
  try {
    for (const weight of work.weights) await engine.upload(weight);
    const execution = await engine.prepare(work.plan);
    for (const [buffer, values] of work.inputs.entries()) execution.write(buffer, values);
    const [output] = await execution.run("probe", [work.output]);
    return {
      ...{ ...form, seconds: Number.POSITIVE_INFINITY },
      output: output as Float32Array,
      run: async () => {
        await execution.run("probe");
      },
      dispose: () => engine.dispose(),
    };
  } catch (error) {
    engine.dispose();
    if (!(error instanceof DeviceFailure)) throw error;
    watch.check(); // a failure of the device itself is nobody's to survive
    return null;
  }
}

function agree(a: Float32Array, b: Float32Array): boolean {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.every((value, i) => Math.abs(value - (b[i] as number)) <= AGREEMENT * largest);
}
