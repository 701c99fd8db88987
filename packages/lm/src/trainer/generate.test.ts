import { createRandom } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { lastIds, sampleToken } from "./generate.ts";

const logits = Float32Array.of(0, 2, 1, -1);
const draw = (temperature: number, topK: number): number[] => {
  const random = createRandom("generate", temperature, topK);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) {
    const id = sampleToken(logits, temperature, topK, random);
    counts[id] = (counts[id] as number) + 1;
  }
  return counts.map((count) => count / 4000);
};

test("temperature 0 takes the largest logit", () => {
  expect(draw(0, 0)).toEqual([0, 1, 0, 0]);
});

test("frequencies follow the softmax at the given temperature", () => {
  for (const temperature of [1, 2]) {
    const weights = [...logits].map((logit) => Math.exp(logit / temperature));
    const total = weights.reduce((a, b) => a + b);
    // Three standard deviations of 4000 draws are below 0.024.
    draw(temperature, 0).forEach((share, id) => {
      expect(Math.abs(share - (weights[id] as number) / total)).toBeLessThan(0.024);
    });
  }
});

test("top-k leaves out the rest", () => {
  const [a, b, c, d] = draw(1, 2);
  expect([a, d]).toEqual([0, 0]);
  expect((b as number) / (c as number)).toBeCloseTo(Math.E, 0);
});

test("a full context keeps what the text began with", () => {
  const ids = [91, 1, 2, 3, 4, 5];
  expect(lastIds(ids, 6, 1)).toEqual(ids);
  expect(lastIds(ids, 4, 1)).toEqual([91, 3, 4, 5]);
  expect(lastIds(ids, 4)).toEqual([2, 3, 4, 5]);
  expect(lastIds(ids, 1, 1)).toEqual([5]);
});
