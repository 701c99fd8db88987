/**
 * What every engine must do, kernel by kernel, against the float64 reference: right values into poisoned buffers, and
 * nothing anywhere else. Plain functions, so that one list runs in Node and in a worker of a real browser.
 */
import type { BufferId } from "../ops/buffer.ts";
import type { Engine, Plan } from "../plan/engine.ts";
import { accessesOf, KERNEL_KINDS, type KernelCall } from "../plan/kernel.ts";
import type { CaseBuffer, KernelCase } from "./cases/case.contract.ts";
import { kernelCases } from "./cases/list.contract.ts";
import { widen } from "./reference/engine.ts";
import { runKernel } from "./reference/kernels.ts";

export interface EngineCheck {
  readonly name: string;
  readonly check: (open: () => Promise<Engine>) => Promise<void>;
}

/** Of the largest value of a buffer: what f32 sums over a few hundred terms are off, with room for another order. */
const TOLERANCE = 1e-5;

export const engineChecks: readonly EngineCheck[] = [
  ...kernelCases.map((tested) => ({
    name: tested.name,
    check: async (open: () => Promise<Engine>) => {
      const engine = await open();
      if (!tested.weights.every((w) => w.kind === "vector" || engine.capabilities.bases.includes(w.base)))
        return;
      for (const weight of tested.weights) await engine.upload(weight);
      const execution = await engine.prepare(planOf(tested.calls, tested.buffers));
      const write = (): void => {
        for (const [id, { values }] of tested.buffers.entries()) execution.write(id, values);
      };
      const all = tested.buffers.map((_, id) => id);
      write();
      const got = await execution.run("test", all);
      compare(tested, got, expected(tested));
      write();
      const again = await execution.run("test", all);
      for (const id of all) equal(bits(again[id]), bits(got[id]), `bits of buffer ${id} in a second run`);
      execution.dispose();
      engine.dispose();
    },
  })),
  {
    name: "every kernel kind is tested",
    check: async () => {
      const tested = new Set(kernelCases.flatMap(({ calls }) => calls.map(({ kind }) => kind)));
      equal(KERNEL_KINDS.filter((kind) => !tested.has(kind)).join(), "", "kinds without a case");
    },
  },
  {
    name: "calls of a segment run in order, through activations that share a slot, and states live on",
    check: async (open) => {
      const engine = await open();
      const add = (a: BufferId, b: BufferId, out: BufferId): KernelCall => ({
        kind: "add",
        a,
        b,
        out,
        size: 5,
      });
      const buffer = (name: string, kind: "input" | "state" | "output" | "activation", slot?: number) => ({
        ...({ name, kind, type: "f32", size: 5, slot: slot ?? null } as const),
      });
      const execution = await engine.prepare({
        buffers: [
          buffer("x", "input"),
          buffer("two", "activation", 0),
          buffer("four", "activation", 1),
          buffer("eight", "activation", 0),
          buffer("sum", "state"),
          buffer("out", "output"),
        ],
        segments: { double: [add(0, 0, 1), add(1, 1, 2), add(2, 2, 3), add(3, 4, 5)], keep: [add(0, 0, 4)] },
        slotBytes: [20, 20],
        totalBytes: 100,
      });
      execution.write(0, Float32Array.of(1, 2, 3, 4, 5));
      equal((await execution.run("double", [5]))[0]?.join(), "8,16,24,32,40", "eight times x");
      await execution.run("keep");
      execution.write(0, Float32Array.of(0, 0, 0));
      equal(
        (await execution.run("double", [5, 4]))[0]?.join(),
        "2,4,6,40,50",
        "x after a shorter write, plus the state",
      );
      const second = await engine.prepare({
        buffers: [buffer("x", "input"), buffer("out", "output")],
        segments: { run: [add(0, 0, 1)] },
        slotBytes: [],
        totalBytes: 40,
      });
      second.write(0, Float32Array.of(1, 1, 1, 1, 1));
      equal((await second.run("run", [1]))[0]?.join(), "2,2,2,2,2", "another plan");
      equal((await execution.run("double", [4]))[0]?.join(), "2,4,6,8,10", "the first plan's state after it");
      second.dispose();
      execution.dispose();
      engine.dispose();
    },
  },
  {
    name: "every run sees what was written before it, however soon after the last",
    check: async (open) => {
      const engine = await open();
      const [rows, width] = [130, 16];
      const values = Float32Array.from({ length: 50 * width }, (_, i) => Math.floor(i / width));
      const shape = { kind: "matrix", name: "table", inFeatures: width, outFeatures: 50 } as const;
      await engine.upload({ ...shape, base: "f32", order: "out-in", values });
      const input = { kind: "input", type: "i32", size: rows, slot: null } as const;
      const output = { kind: "output", type: "f32", size: rows * width, slot: null } as const;
      const looked = { kind: "embed", ids: 0, positions: 1, table: "table", positionTable: null } as const;
      const execution = await engine.prepare({
        buffers: [
          { ...input, name: "ids" },
          { ...input, name: "positions" },
          { ...output, name: "rows" },
          { ...output, name: "twice" },
        ],
        segments: {
          twice: [
            { ...looked, scale: 1, out: 2, rows, width },
            { kind: "add", a: 2, b: 2, out: 3, size: rows * width },
          ],
        },
        slotBytes: [],
        totalBytes: 8 * rows * (1 + width),
      });
      for (let run = 0; run < 300; run++) {
        execution.write(0, new Int32Array(rows).fill(run % 50));
        const [twice] = await execution.run("twice", [3]);
        const stale = twice?.findIndex((value: number) => value !== 2 * (run % 50));
        equal(stale, -1, `element of run ${run} that is not of its ids`);
      }
      engine.dispose();
    },
  },
  {
    name: "a weight is taken once, and a segment or weight that is not there is named",
    check: async (open) => {
      const engine = await open();
      const weight = { kind: "vector", name: "gain", values: Float32Array.of(1, 2) } as const;
      await engine.upload(weight);
      await rejects(engine.upload(weight), /gain/);
      const norm = { kind: "rms-norm", x: 0, gain: "absent", gainOffset: 0, epsilon: 1e-6 } as const;
      const buffers: readonly CaseBuffer[] = [0, 1, 2].map(() => ({
        type: "f32",
        values: new Float32Array(2),
      }));
      const call: KernelCall = { ...norm, out: 1, stats: 2, rows: 1, width: 2 };
      const broken = engine.prepare(planOf([call], buffers)).then((execution) => execution.run("test"));
      await rejects(broken, /absent/);
      const execution = await engine.prepare(planOf([], buffers));
      await rejects(execution.run("other"), /other/);
      engine.dispose();
    },
  },
];

/** A plan of one segment, "test", in which the host may write and read everything. */
function planOf(calls: readonly KernelCall[], buffers: readonly CaseBuffer[]): Plan {
  return {
    buffers: buffers.map(({ type, values }, id) => ({
      name: `buffer ${id}`,
      kind: "state",
      type,
      size: values.length,
      slot: null,
    })),
    segments: { test: calls },
    slotBytes: [],
    totalBytes: 4 * buffers.reduce((sum, { values }) => sum + values.length, 0),
  };
}

/** What the reference makes of the case, in float64. */
function expected({ calls, buffers, weights }: KernelCase): readonly Float64Array[] {
  const memory = buffers.map(({ values }) => Float64Array.from(values));
  const weight = (name: string) => {
    const found = weights.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`case: expected a weight ${name}`);
    return found;
  };
  const places: Parameters<typeof runKernel>[1] = {
    buffer: (id) => memory[id] as Float64Array,
    vector: (name) => {
      const found = weight(name);
      if (found.kind !== "vector") throw new Error(`case: expected ${name} to be a vector`);
      return Float64Array.from(found.values);
    },
    matrix: (name) => {
      const found = weight(name);
      if (found.kind !== "matrix") throw new Error(`case: expected ${name} to be a matrix`);
      return widen(found);
    },
  };
  for (const call of calls) runKernel(call, places);
  return memory;
}

function compare(
  { name, calls, buffers }: KernelCase,
  got: readonly (Float32Array | Int32Array)[],
  wanted: readonly Float64Array[],
): void {
  const written = new Set(
    calls.flatMap(accessesOf).flatMap(({ buffer, mode }) => (mode === "read" ? [] : [buffer])),
  );
  wanted.forEach((values, id) => {
    const result = got[id] as Float32Array;
    if (!written.has(id)) {
      equal(bits(result), bits(buffers[id]?.values), `bits of buffer ${id}, which is only read`);
      return;
    }
    // A loss is the difference of two numbers as large as logits, however near to zero it is.
    const least = calls.some((call) => "loss" in call && call.loss === id) ? 1 : 0;
    const largest = Math.max(least, ...values.filter((value) => !Number.isNaN(value)).map(Math.abs));
    values.forEach((value, i) => {
      const off = Math.abs((result[i] as number) - value);
      // Poison that the reference left must be left.
      const isRight = Number.isNaN(value) ? Number.isNaN(result[i]) : off <= TOLERANCE * largest;
      if (!isRight)
        throw new Error(
          `${name}: element ${i} of buffer ${id}: expected ${value} (±${TOLERANCE} of ${largest}), got ${result[i]}`,
        );
    });
  });
}

const bits = (values: Float32Array | Int32Array | undefined): string =>
  values ? new Uint32Array(values.slice().buffer).join() : "nothing";

function equal(got: unknown, wanted: unknown, what: string): void {
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}

async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error && message.test(error.message)))
    throw new Error(`expected a rejection like ${message}, got ${error}`);
}
