import { expect, it } from "vitest";
import { processSeconds, threadSeconds } from "./processor-time.ts";

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Works until so much time of this thread has gone by. */
function work(seconds: number): void {
  const until = (threadSeconds() as number) + seconds;
  for (let x = 1; (threadSeconds() as number) < until; ) for (let i = 0; i < 1e4; i++) x = (x * 1.1) % 7;
}

it.runIf(threadSeconds() !== null)("counts work and not waiting", async () => {
  const [thread, whole] = [threadSeconds() as number, processSeconds(1)];
  await sleep(200);
  expect((threadSeconds() as number) - thread).toBeLessThan(0.15);
  work(0.2);
  expect((threadSeconds() as number) - thread).toBeGreaterThanOrEqual(0.2);
  expect(processSeconds(1) - whole).toBeGreaterThanOrEqual(0.19);
  expect(processSeconds(2)).toBeCloseTo(processSeconds(1) / 2, 1);
});
