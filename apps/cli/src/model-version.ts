/** What tells a base model's files from any others: a digest of all that is served of them. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isModelFile } from "@fedlodrop/run";

/** @returns 16 hexadecimal digits */
export async function modelVersion(directory: string): Promise<string> {
  const all = createHash("sha256");
  for (const name of (await readdir(directory)).filter(isModelFile).sort()) {
    const one = createHash("sha256");
    await pipeline(createReadStream(join(directory, name)), one);
    all.update(`${name} ${one.digest("hex")}\n`);
  }
  return all.digest("hex").slice(0, 16);
}
