import { adapterSize, createRandom, keptIndices } from "@fedlodrop/run";
import { describe, expect, it, test } from "vitest";
import { rescaleFactor } from "../adapter/rescale.ts";
import { nodeHost } from "../node.ts";
import { dot, norm } from "./curvature.ts";
import { hessianTimes, lossCurvature } from "./loss-curvature.ts";
import { createTrainer } from "./open.ts";
import { cases, model, type PytorchCase } from "./pytorch.contract.ts";

/** The fixture's sub-adapter as a full one: zeros where it dropped, and the rescaling within α. */
async function open(from: PytorchCase) {
  const alpha = from.shape.alpha * rescaleFactor("inverted", from.dropoutRate);
  const shape = { ...from.shape, alpha };
  const kept = keptIndices(from.shape, from.mask);
  const adapter = new Float32Array(adapterSize(shape));
  kept.forEach((flatIndex, i) => {
    adapter[flatIndex] = from.values[i] as number;
  });
  const trainer = await createTrainer({ backend: "wasm", model, adapter: shape, wasmHost: nodeHost(1) });
  return { trainer, adapter, kept };
}

test.each(cases)("$dataset.kind: the full adapter's gradient equals PyTorch float64", async (from) => {
  const { trainer, adapter, kept } = await open(from);
  const gradient = await trainer.gradient(from.dataset, adapter);
  expect(gradient.length).toBe(adapter.length);
  const differences = from.gradient.map((expected, i) => (gradient[kept[i] as number] as number) - expected);
  expect(norm(differences) / norm(from.gradient)).toBeLessThan(1e-5);
  trainer.dispose();
});

describe("products with the Hessian", () => {
  it("are second differences of the loss", async () => {
    const from = cases[0] as PytorchCase;
    const { trainer, adapter } = await open(from);
    const multiply = hessianTimes((at) => trainer.gradient(from.dataset, at), adapter);
    const random = createRandom("direction");
    const direction = Float64Array.from(adapter, () => random.normal());
    const along = dot(direction, await multiply(direction)) / dot(direction, direction);
    const loss = async (distance: number) => {
      const moved = adapter.map(
        (value, i) => value + (distance * (direction[i] as number)) / norm(direction),
      );
      return (await trainer.evaluate(from.dataset, moved)).loss;
    };
    // Richardson's extrapolation: long steps for float32's sake, their fourth derivative removed.
    const second = async (h: number) => ((await loss(h)) - 2 * (await loss(0)) + (await loss(-h))) / (h * h);
    const truth = (4 * (await second(0.2)) - (await second(0.4))) / 3;
    expect(Math.abs(along / truth - 1)).toBeLessThan(0.01);
    trainer.dispose();
  });

  it("are exact on a quadratic, whose curvature is known", async () => {
    // F(θ) = ½ Σ hᵢθᵢ², with a mean of 2.5 and a least of 1.
    const h = [1, 2, 3, 4];
    const gradient = async (at: Float32Array) => at.map((value, i) => value * (h[i] as number));
    const { mean, least } = await lossCurvature(gradient, Float32Array.of(1, -1, 2, 0.5));
    expect(mean).toBeCloseTo(2.5, 4);
    expect(least).toBeCloseTo(1, 4);
  });
});
