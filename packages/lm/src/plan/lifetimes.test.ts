import { createRandom } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { PlanBuilder } from "./builder.ts";
import { accessesOf, type KernelCall } from "./kernel.ts";

const add = (a: number, b: number, out: number, size: number): KernelCall => ({
  kind: "add",
  a,
  b,
  out,
  size,
});

test("what reaches no output is left out, with everything that only it needs", () => {
  const plan = new PlanBuilder();
  const x = plan.buffer("input", "x", 4);
  const [used, idle, idler] = ["used", "idle", "idler"].map((name) => plan.activation(name, 4));
  const out = plan.buffer("output", "out", 4);
  plan.begin("run");
  plan.emit(add(x, x, used!, 4));
  plan.endStage();
  plan.emit(add(x, used!, idle!, 4));
  plan.emit(add(idle!, idle!, idler!, 4));
  plan.emit(add(used!, x, out, 4));
  const { segments, slotBytes, totalBytes } = plan.build();
  expect(segments.run?.map((call) => accessesOf(call).at(-1)?.buffer)).toEqual([used, out]);
  expect(slotBytes).toEqual([16]);
  expect(totalBytes).toBe(3 * 16);
});

test("a chain of any length takes two slots; a value that is needed later keeps its own", () => {
  const plan = new PlanBuilder();
  const x = plan.buffer("input", "x", 4);
  const out = plan.buffer("output", "out", 4);
  plan.begin("run");
  const first = plan.activation("first", 4);
  plan.emit(add(x, x, first, 4));
  let last = first;
  for (let i = 0; i < 20; i++) {
    const next = plan.activation(`link ${i}`, 4);
    plan.endStage();
    plan.emit(add(last, last, next, 4));
    last = next;
  }
  plan.emit(add(last, first, out, 4));
  expect(plan.build().slotBytes).toEqual([16, 16, 16]);
});

test("buffers that are alive at once never share a slot, in random graphs", () => {
  const random = createRandom("lifetimes");
  for (let graph = 0; graph < 100; graph++) {
    const plan = new PlanBuilder();
    const size = () => 1 + random.below(9);
    const made = [{ id: plan.buffer("input", "x", 10), size: 10 }];
    plan.begin("run");
    for (let i = 0; i < 30; i++) {
      const [a, b] = [made[random.below(made.length)]!, made[random.below(made.length)]!];
      const next = { id: plan.activation(`${i}`, size()), size: 0 };
      next.size = Math.min(a.size, b.size, size());
      const id = plan.activation(`${i} sized`, next.size);
      if (random.below(3) === 0) plan.endStage();
      plan.emit(add(a.id, b.id, id, next.size));
      made.push({ id, size: next.size });
    }
    const out = plan.buffer("output", "out", 10);
    for (const { id, size } of made.slice(-5)) plan.emit(add(id, id, out, size));
    const { segments, buffers, slotBytes } = plan.build();
    const holder = new Map<number, number>(); // slot → the buffer whose values are in it
    for (const call of segments.run!)
      for (const { buffer, mode, elements } of accessesOf(call)) {
        const { slot } = buffers[buffer]!;
        if (slot === null) continue;
        expect(4 * elements).toBeLessThanOrEqual(slotBytes[slot]!);
        if (mode === "write") holder.set(slot, buffer);
        else expect(holder.get(slot)).toBe(buffer);
      }
  }
});

test("a plan that reads what nothing wrote, or more than there is, is a fault", () => {
  const plan = new PlanBuilder();
  const [a, out] = [plan.activation("a", 4), plan.buffer("output", "out", 4)];
  plan.begin("run");
  expect(() => plan.emit(add(a, a, out, 5))).toThrow("plan: add expects 5 elements of a, got 4");
  plan.emit(add(a, a, out, 4));
  expect(() => plan.build()).toThrow("plan: add reads activation 0 before anything wrote it");
});
