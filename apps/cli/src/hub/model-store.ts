/**
 * Models of a hub that this user has: MODELS/ORG/NAME/COMMIT/ with the hub's files as they are and `origin.json`, which
 * is written last: a folder without it is a download that is not finished.
 */
import { mkdir, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lockFolder } from "@fedlodrop/coordinator";
import { isModelFile } from "@fedlodrop/run";
import { defaultCacheDirectory } from "@fedlodrop/tasks/node";
import { z } from "zod";
import { bytes } from "../live-table.ts";
import { downloadFile, isWhole, lengthOf, type Patience } from "./download.ts";
import type { Hub, HubFile, HubModel } from "./hub.ts";
import type { ModelName } from "./model-name.ts";
import { startProgress } from "./progress.ts";

const ORIGIN = "origin.json";

const originSchema = z.object({
  id: z.string(),
  commit: z.string(),
  /** What it was asked for as. */
  revisions: z.array(z.string()),
  endpoint: z.string(),
  addedAt: z.iso.datetime(),
  bytes: z.number(),
});

export interface StoredModel extends z.infer<typeof originSchema> {
  readonly directory: string;
}

export const modelsDirectory = (): string => join(defaultCacheDirectory(), "models");

/** Finished downloads, the newest first. */
export async function storedModels(root = modelsDirectory()): Promise<readonly StoredModel[]> {
  const found: StoredModel[] = [];
  for (const organisation of await foldersIn(root))
    for (const name of await foldersIn(join(root, organisation)))
      for (const commit of await foldersIn(join(root, organisation, name))) {
        const directory = join(root, organisation, name, commit);
        const origin = await readOrigin(directory);
        if (origin !== null) found.push({ ...origin, directory });
      }
  return found.sort((a, b) => (a.addedAt < b.addedAt ? 1 : -1));
}

/** The newest that the name stands for, which may be part of a commit; null when there is none. */
export async function findStored({ id, revision }: ModelName, root?: string): Promise<StoredModel | null> {
  const isMeant = ({ commit, revisions }: StoredModel): boolean =>
    revisions.includes(revision) || (revision.length >= 7 && commit.startsWith(revision));
  return (await storedModels(root)).find((model) => model.id === id && isMeant(model)) ?? null;
}

export interface AddOptions {
  /** Given a line at least every second while bytes come. */
  readonly say: (line: string) => void;
  readonly root?: string;
  readonly patience?: Patience;
}

/** Fetches what is not here yet of a revision. @throws one line; what has come stays, and is not fetched again */
export async function addModel(hub: Hub, name: ModelName, options: AddOptions): Promise<StoredModel> {
  const { root = modelsDirectory() } = options;
  const model = await hub.describe(name);
  const directory = join(root, ...model.id.split("/"), model.commit);
  const files = wantedFiles(model);
  await mkdir(directory, { recursive: true });
  // Two that write one file leave neither's.
  const lock = await lockFolder(directory, { folder: `hub: ${model.id} in`, advice: "wait for it" });
  try {
    const known = await readOrigin(directory);
    if (known === null) await fetchMissing(hub, model, files, directory, options);
    const origin = {
      id: model.id,
      commit: model.commit,
      revisions: [...new Set([...(known?.revisions ?? []), name.revision])],
      endpoint: hub.endpoint,
      addedAt: new Date().toISOString(),
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    };
    const partial = join(directory, `${ORIGIN}.part`);
    await writeFile(partial, `${JSON.stringify(origin, null, 2)}\n`);
    await rename(partial, join(directory, ORIGIN));
    return { ...origin, directory };
  } finally {
    await lock.release();
  }
}

async function fetchMissing(
  hub: Hub,
  model: HubModel,
  files: readonly HubFile[],
  directory: string,
  { say, patience }: AddOptions,
): Promise<void> {
  const missing: HubFile[] = [];
  for (const file of files) if (!(await isWhole(file, join(directory, file.name)))) missing.push(file);
  const wanted = missing.reduce((sum, file) => sum + file.bytes, 0);
  const come = await Promise.all(
    missing.map(async (file) => Math.min(file.bytes, await lengthOf(`${join(directory, file.name)}.part`))),
  );
  await expectRoom(directory, wanted - come.reduce((sum, bytes) => sum + bytes, 0), model.id);
  const progress = startProgress(model.id, wanted);
  let saidAt = performance.now();
  const onBytes = (count: number): void => {
    progress.add(count);
    if (performance.now() - saidAt < 1000) return;
    saidAt = performance.now();
    say(progress.line());
  };
  for (const file of missing)
    await downloadFile(hub, model, file, join(directory, file.name), onBytes, patience);
}

/** Takes a model off the disk, with what was begun of it. */
export async function removeModel(model: StoredModel): Promise<void> {
  // First what makes it whole: a removal that is cut short leaves nothing that looks like a model.
  await rm(join(model.directory, ORIGIN), { force: true });
  await rm(model.directory, { recursive: true, force: true });
}

/** What of a repository is a model: neither its other formats nor its pictures. */
function wantedFiles({ id, files }: HubModel): HubModel["files"] {
  const named = files.filter(({ name }) => isModelFile(name));
  const has = (name: string): boolean => named.some((file) => file.name === name);
  if (!has("config.json"))
    throw new Error(`hub: ${id} is no model that can be trained: it has no config.json`);
  if (!named.some(({ name }) => name.endsWith(".safetensors")))
    throw new Error(
      `hub: ${id} has no safetensors${files.some(({ name }) => name.endsWith(".bin")) ? ", only pytorch_model.bin, which can run code when it is read" : ""}: choose a model that has`,
    );
  // Where the weights are there twice, whole and in parts, one is enough.
  const isWhole = has("model.safetensors");
  return named.filter(({ name }) => !isWhole || !/^model-|index\.json$/.test(name));
}

async function expectRoom(directory: string, wanted: number, id: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (wanted > bavail * bsize)
    throw new Error(
      `hub: ${id} needs ${bytes(wanted)} in ${directory}, where ${bytes(bavail * bsize)} are free; set FEDLODROP_CACHE to a folder with more room`,
    );
}

async function readOrigin(directory: string): Promise<z.infer<typeof originSchema> | null> {
  try {
    return originSchema.parse(JSON.parse(await readFile(join(directory, ORIGIN), "utf8")));
  } catch {
    return null;
  }
}

const foldersIn = (directory: string): Promise<readonly string[]> =>
  readdir(directory, { withFileTypes: true }).then(
    (entries) => entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
    () => [],
  );
