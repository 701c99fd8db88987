import { describe, expect, test } from "vitest";
import { gradientError } from "../engines/tfjs/gradients.contract.ts";
import { openEngine } from "../engines/tfjs/open.ts";
import { wasmDirectory } from "../node.ts";
import { createTrainer } from "./open.ts";
import { cases } from "./pytorch.contract.ts";
import { trainerChecks } from "./trainer.contract.ts";

describe.each(["cpu", "wasm"] as const)("trainer on %s", (backend) => {
  test.each(trainerChecks)("$name", ({ check }) =>
    check((model, adapter) => createTrainer({ backend, model, adapter, wasmBase: wasmDirectory() })),
  );

  test.each(cases)("$dataset.kind: every gradient equals PyTorch float64", async (from) => {
    const engine = await openEngine(backend, { wasmBase: wasmDirectory() });
    const { relative, largest } = await engine.run(() => gradientError(from));
    expect(relative).toBeLessThan(1e-5);
    expect(largest).toBeLessThan(1e-5);
  });
});
