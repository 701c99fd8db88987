/** A model's files in the run's base, made once: devices then fetch a quarter or less, and quantise nothing. */
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { quantisedFile } from "@fedlodrop/lm";
import { readModel } from "@fedlodrop/lm/node";
import { type BaseType, isSmallModelFile } from "@fedlodrop/run";
import { defaultCacheDirectory } from "@fedlodrop/tasks/node";
import { modelManifest } from "./model-manifest.ts";
import { inPlainWords } from "./plain-error.ts";

/** Raised whenever other numbers are written of a model, so that none made before are taken for them. */
const FORM = 2;

const quantisedDirectory = (): string => join(defaultCacheDirectory(), "quantised");

/** Folder of the model in `base`: the model's own in f32, and where no other can be written. */
export async function modelInBase(
  directory: string,
  base: BaseType,
  say: (line: string) => void = () => {},
): Promise<string> {
  if (base === "f32") return directory;
  const { version } = await modelManifest(directory);
  const target = join(quantisedDirectory(), `${version}-${base}-${FORM}`);
  if (await isThere(target)) return target;
  try {
    await mkdir(quantisedDirectory(), { recursive: true });
    const workshop = await mkdtemp(join(quantisedDirectory(), ".making-"));
    try {
      say(`the model is written in ${base}, once …`);
      await writeInBase(directory, base, workshop);
      // Another command may have been quicker: the same files.
      await rename(workshop, target).catch(async (error: unknown) => {
        if (!(await isThere(target))) throw error;
      });
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
    return target;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What is wrong with the model is said where it is loaded.
    if (code !== undefined)
      say(`the model cannot be kept in ${base} (${inPlainWords(error)}): each device makes it itself`);
    return directory;
  }
}

/** What was made of it, in every base. */
export async function removeInBases(directory: string): Promise<void> {
  const { version } = await modelManifest(directory);
  const made = await readdir(quantisedDirectory()).catch(() => []);
  for (const name of made.filter((one) => one.startsWith(`${version}-`)))
    await rm(join(quantisedDirectory(), name), { recursive: true, force: true });
}

async function writeInBase(directory: string, base: Exclude<BaseType, "f32">, to: string): Promise<void> {
  const { model } = await readModel(directory);
  await pipeline(Readable.from(quantisedFile(model, base)), createWriteStream(join(to, "model.safetensors")));
  for (const name of await readdir(directory))
    if (isSmallModelFile(name)) await copyFile(join(directory, name), join(to, name));
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
