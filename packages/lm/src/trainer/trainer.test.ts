import { describe, expect, test } from "vitest";
import { openReference } from "../engines/reference/engine.ts";
import { gradientError } from "../engines/tfjs/gradients.contract.ts";
import { leakCheck } from "../engines/tfjs/leaks.contract.ts";
import { openEngine } from "../engines/tfjs/open.ts";
import { createTensorflowTrainer } from "../engines/tfjs/tensorflow-trainer.ts";
import { openWasmEngine } from "../engines/wasm/open.ts";
import { nodeHost, wasmDirectory } from "../node.ts";
import { createTrainer } from "./open.ts";
import { plannedGradientError } from "./planned-gradients.contract.ts";
import { createPlannedTrainer } from "./planned-trainer.ts";
import { cases } from "./pytorch.contract.ts";
import { trainerChecks } from "./trainer.contract.ts";

describe("trainer on the float64 reference", () => {
  test.each(trainerChecks)("$name", ({ check }) =>
    check(async (model, adapter) => createPlannedTrainer(await openReference(), model, adapter, "f32")),
  );
});

describe.each(cases)("gradients of $dataset.kind", (from) => {
  test.each([0, 1, 2])("equal PyTorch float64 with %i blocks recomputed", async (blocks) => {
    const exact = await plannedGradientError(await openReference(), from, blocks);
    expect(exact.relative).toBeLessThan(1e-6); // the fixture holds nine digits, the read-back seven
    for (const threads of [1, 2]) {
      const { relative, largest } = await plannedGradientError(
        await openWasmEngine({ ...nodeHost(threads), smallestShared: 0 }),
        from,
        blocks,
      );
      expect(relative).toBeLessThan(1e-5);
      expect(largest).toBeLessThan(1e-5);
    }
  });
});

describe.each([1, 2])("trainer on our WASM engine, %i threads", (threads) => {
  test.each(trainerChecks)("$name", ({ check }) =>
    check((model, adapter) =>
      createTrainer({
        backend: "wasm",
        model,
        adapter,
        wasmHost: { ...nodeHost(threads), smallestShared: 0 },
      }),
    ),
  );
});

describe.each(["cpu", "wasm"] as const)("trainer on tfjs, %s", (backend) => {
  test.each([...trainerChecks, leakCheck])("$name", ({ check }) =>
    check((model, adapter) =>
      createTensorflowTrainer(backend, model, adapter, { tfjsWasm: wasmDirectory() }),
    ),
  );

  test.each(cases)("$dataset.kind: every gradient equals PyTorch float64", async (from) => {
    const engine = await openEngine(backend, { tfjsWasm: wasmDirectory() });
    const { relative, largest } = await engine.run(() => gradientError(from));
    expect(relative).toBeLessThan(1e-5);
    expect(largest).toBeLessThan(1e-5);
  });
});
