import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { modelVersion } from "./model-version.ts";

it("changes with what is served of a model, and with nothing else in its folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-model-"));
  await writeFile(join(folder, "config.json"), "{}");
  const first = await modelVersion(folder);
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  await writeFile(join(folder, "README.md"), "words");
  expect(await modelVersion(folder)).toBe(first);
  await writeFile(join(folder, "model.safetensors"), "weights");
  expect(await modelVersion(folder)).not.toBe(first);
  await rm(folder, { recursive: true });
});
