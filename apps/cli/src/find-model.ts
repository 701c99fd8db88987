import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { shipped } from "./shipped.ts";

/** `base` is the bundled model; anything else is a folder. */
export function findModel(model: string): string {
  const directory = model === "base" ? shipped("models/base") : resolve(model);
  if (!existsSync(directory))
    throw new Error(
      `model: expected "base" or a folder in the Hugging Face layout, but there is no ${directory}`,
    );
  return directory;
}
