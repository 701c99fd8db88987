/** How fast a device multiplies, found out in a moment: what a step will take is known from it before a model is there. */
import type { Backend } from "@fedlodrop/run";
import { browserHost } from "../engines/wasm/browser-host.ts";
import { openWasmEngine, type WasmHost } from "../engines/wasm/open.ts";
import { openWebgpuEngine } from "../engines/webgpu/open.ts";
import { PlanBuilder } from "../plan/builder.ts";
import type { Engine } from "../plan/engine.ts";

const SIZE = 512;
const ROWS = 256;
/** The first run is cold, and any may be disturbed: the best counts. */
const RUNS = 4;

/** Multiply-adds a second of a product with a frozen matrix; null for plain JavaScript, which has no engine of ours. */
export async function measureProducts(backend: Backend, wasmHost?: WasmHost): Promise<number | null> {
  if (backend === "cpu") return null;
  const engine =
    backend === "webgpu" ? await openWebgpuEngine(upload) : await openWasmEngine(wasmHost ?? browserHost());
  try {
    await upload(engine);
    const plan = new PlanBuilder();
    const x = plan.buffer("input", "x", ROWS * SIZE);
    const out = plan.buffer("output", "out", ROWS * SIZE);
    plan.begin("probe");
    const sizes = { rows: ROWS, inFeatures: SIZE, outFeatures: SIZE };
    plan.emit({ kind: "linear", x, weight: WEIGHT, bias: null, residual: null, out, ...sizes });
    const execution = await engine.prepare(plan.build());
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      const begin = performance.now();
      await execution.run("probe", [out]);
      best = Math.min(best, performance.now() - begin);
    }
    return (ROWS * SIZE * SIZE) / (Math.max(best, 0.01) / 1000);
  } finally {
    engine.dispose();
  }
}

const WEIGHT = "probe";

const upload = (engine: Engine): Promise<void> =>
  engine.upload({
    ...{ kind: "matrix", name: WEIGHT, inFeatures: SIZE, outFeatures: SIZE, base: "f32", order: "out-in" },
    values: new Float32Array(SIZE * SIZE),
  });
