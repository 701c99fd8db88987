/** The WASM engine in a worker of a real Chromium, where memory can be shared and where it cannot. */
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPage, openLab } from "../../../lab/open-lab.ts";

const SECONDS = 1000;

describe("the WASM engine in Chromium", { timeout: 240 * SECONDS }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab(new URL("./lab.contract.ts", import.meta.url).pathname);
  }, 300 * SECONDS); // may fetch a Chromium first
  afterAll(() => lab?.close());

  test.each([
    ["isolated", `${Math.min(8, availableParallelism())} threads`],
    ["open", "one thread"],
  ] as const)("an %s page runs the kernels on %s, and rightly", async (isolation, threads) => {
    const page: LabPage = await lab.openPage(isolation);
    expect(await page.call("device")).toBe(`WebAssembly, relaxed SIMD, ${threads}`);
    expect(await page.call("check")).toEqual([]);
    await page.close();
  });

  test("tabs count one another, and forget one that is closed", async () => {
    const [first, second] = [await lab.openPage("isolated"), await lab.openPage("isolated")];
    expect(await first.call("isCrowded")).toBe(false);
    expect(await second.call("isCrowded")).toBe(true);
    await expect.poll(() => first.call("isCrowded"), { timeout: 10 * SECONDS }).toBe(true);
    await second.close();
    await expect.poll(() => first.call("isCrowded"), { timeout: 10 * SECONDS }).toBe(false);
    await first.close();
  });
});
