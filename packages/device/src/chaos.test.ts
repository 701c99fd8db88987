import { expect, it } from "vitest";
import { openChaos } from "./chaos.ts";

const step = { step: 1, loss: 3, gradientNorm: 1, seconds: 0.01, tokens: 8 };
const never = new AbortController().signal;

it("lets a device alone that nothing is done to", async () => {
  await openChaos().afterStep(step, never);
});

it("holds a frozen device until that is lifted, or its round is over", async () => {
  const chaos = openChaos();
  chaos.inflict("freeze");
  let isThrough = false;
  const through = chaos.afterStep(step, never).then(() => {
    isThrough = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isThrough).toBe(false);
  chaos.inflict(null);
  await through;

  chaos.inflict("freeze");
  const over = new AbortController();
  const held = chaos.afterStep(step, over.signal);
  over.abort(new Error("the round is over"));
  await expect(held).rejects.toThrow("the round is over");
});

it("makes a step take four times as long", async () => {
  const chaos = openChaos();
  chaos.inflict("slow");
  const start = performance.now();
  await chaos.afterStep({ ...step, seconds: 0.02 }, never);
  // Timers may fire a millisecond early.
  expect(performance.now() - start).toBeGreaterThanOrEqual(58);
});
