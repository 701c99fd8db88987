/** What is served of a base model's folder: its files, in parts that devices check. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isModelFile, type ModelFileParts, type ModelManifest, PART_BYTES } from "@fedlodrop/run";

export async function modelManifest(directory: string): Promise<ModelManifest> {
  const names = (await readdir(directory)).filter(isModelFile).sort();
  const files: ModelFileParts[] = [];
  for (const name of names) files.push(await partsOf(directory, name));
  const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  return { version, files };
}

async function partsOf(directory: string, name: string): Promise<ModelFileParts> {
  const parts: string[] = [];
  let hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(join(directory, name), { highWaterMark: 1 << 20 })) {
    const piece = chunk as Buffer;
    for (let at = 0; at < piece.length; ) {
      const end = Math.min(piece.length, at + PART_BYTES - (bytes % PART_BYTES));
      hash.update(piece.subarray(at, end));
      bytes += end - at;
      at = end;
      if (bytes % PART_BYTES !== 0) continue;
      parts.push(hash.digest("hex"));
      hash = createHash("sha256");
    }
  }
  if (bytes % PART_BYTES !== 0) parts.push(hash.digest("hex"));
  return { name, bytes, parts };
}
