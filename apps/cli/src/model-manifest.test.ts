import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modelManifestSchema, PART_BYTES } from "@fedlodrop/run";
import { afterEach, beforeEach, expect, it } from "vitest";
import { modelManifest } from "./model-manifest.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedlodrop-model-"));
  await writeFile(join(folder, "config.json"), "{}");
});
afterEach(() => rm(folder, { recursive: true }));

it("changes with what is served of a model, and with nothing else in its folder", async () => {
  const { version } = modelManifestSchema.parse(await modelManifest(folder));
  await writeFile(join(folder, "README.md"), "words");
  expect((await modelManifest(folder)).version).toBe(version);
  await writeFile(join(folder, "model.safetensors"), "weights");
  expect((await modelManifest(folder)).version).not.toBe(version);
});

it.each([0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 77])(
  "cuts %d bytes into parts",
  async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7) % 253);
    await writeFile(join(folder, "model.safetensors"), bytes);
    const { files } = await modelManifest(folder);
    const parts: string[] = [];
    for (let at = 0; at < size; at += PART_BYTES)
      parts.push(
        createHash("sha256")
          .update(bytes.subarray(at, at + PART_BYTES))
          .digest("hex"),
      );
    expect(files).toContainEqual({ name: "model.safetensors", bytes: size, parts });
  },
);
