/** Models of other families than the bundled one, through the command that users have, in real tabs. */
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunReport } from "@fedlodrop/run";
import type { Page } from "@playwright/test";
import { faultsOf, overflow } from "./axe.ts";
import { expect, fedlodrop, test } from "./fixtures.ts";

const MODELS = resolve(fileURLToPath(import.meta.url), "../../packages/lm/fixtures/models");

for (const [model, label] of [
  ["llama", false],
  ["bert", true],
] as const)
  test(`a tab trains ${model} on WebAssembly`, async ({ folder }) => {
    test.setTimeout(240_000);
    const rows = Array.from({ length: 90 }, (_, i) => {
      const text = `the cat sat on mat ${i} and looked at the dog`;
      return label ? `${text},${i % 2 === 0 ? "even" : "odd"}` : text;
    });
    await writeFile(join(folder, "texts.csv"), [label ? "text,label" : "text", ...rows].join("\n"));
    const { code, stderr } = await fedlodrop([
      ...["federate", "--tabs", "1", "--rounds", "1", "--backend", "wasm", "--model", join(MODELS, model)],
      ...["--sequence-length", "32", "--local-steps", "2", "--evaluation-samples", "8"],
      ...["--task", join(folder, "texts.csv"), "--out", join(folder, "run")],
    ]);
    expect(stderr).toContain("report ");
    expect(code).toBe(0);
    const report = JSON.parse(await readFile(join(folder, "run/report.json"), "utf8")) as RunReport;
    expect(report.rounds[0]?.participants.map(({ outcome }) => outcome)).toEqual(["aggregated"]);
    expect(report.finalTestLoss).not.toBe(report.baseTestLoss);
  });

test("a browser keeps the model: later visits download none of it, and what is damaged or has no room does no harm", async ({
  serve,
  chromium,
}) => {
  const { url } = await serve("--base", "int8", "--samples-per-device", "8", "--evaluation-samples", "8");
  const context = await chromium.newContext();
  let said = "";
  const visit = async (
    prepare: (page: Page) => Promise<void> = async () => {},
  ): Promise<readonly string[]> => {
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => {
      const [, file] = /\/models\/[0-9a-f]{16}\/(.+)$/.exec(request.url()) ?? [];
      if (file !== undefined && file !== "manifest.json") asked.push(file);
    });
    await page.goto(`${url}?backend=wasm`);
    await prepare(page);
    await expect(page.getByTestId("model-download")).toContainText(/\d/);
    said = (await page.getByTestId("model-download").textContent()) ?? "";
    await page.getByTestId("join-button").click();
    await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
    await page.close();
    return asked.sort();
  };
  const first = await visit();
  expect(first).toContain("model.safetensors");
  expect(said).toMatch(/downloads the language model, 1\.\d\d? MB/);
  expect(await visit()).toEqual([]);
  expect(said).toContain("is on this device already");
  expect(await visit(damageParts)).toEqual(first);
  expect(await visit()).toEqual([]);
  // No room for the weights: what fits is kept.
  const session = await context.newPage().then((page) => context.newCDPSession(page));
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(url).origin, quotaSize: 100_000 });
  expect(await visit(removeParts)).toEqual(first);
  expect(await visit()).toContain("model.safetensors");
  await context.close();
});

test("a device that cannot hold a step says so before it downloads the model, and what would help", async ({
  serve,
  chromium,
}) => {
  const { url } = await serve("--batch-size", "256", "--sequence-length", "128", "--evaluation-samples", "8");
  const context = await chromium.newContext({ viewport: { width: 320, height: 568 } });
  const page = await context.newPage();
  // As a small phone's browser says it, also in the worker, which is where the model would be.
  await page.route(/worker.*\.js/, async (route) => {
    const response = await route.fetch();
    const small = "Object.defineProperty(navigator, 'deviceMemory', { value: 0.5 });\n";
    await route.fulfill({ response, body: small + (await response.text()) });
  });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${url}?backend=wasm`);
  await page.getByTestId("join-button").click();
  await expect(page.getByTestId("stopped")).toContainText("This model is too large for this device");
  await expect(page.getByTestId("stopped")).toContainText(
    /needs .+ of memory, and this device has about 26\d MB for it.+\d+ texts at a time.*texts of \d+ word pieces/s,
  );
  expect(asked.filter((address) => address.includes("safetensors"))).toEqual([]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await faultsOf(page, "participant: too large a model")).toEqual([]);
  await context.close();
});

/** Every part becomes one byte. */
const damageParts = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("fedlodrop-models");
    for await (const version of models.values() as AsyncIterable<FileSystemDirectoryHandle>)
      for await (const part of version.values() as AsyncIterable<FileSystemFileHandle>) {
        const writable = await part.createWritable();
        await writable.write(new Uint8Array([1]));
        await writable.close();
      }
  });

const removeParts = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await (await navigator.storage.getDirectory()).removeEntry("fedlodrop-models", { recursive: true });
  });
