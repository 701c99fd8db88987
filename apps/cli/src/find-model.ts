/** Where the model of a run lies: bundled, in a folder, or fetched from a hub at its first use. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { RunOverrides } from "@fedlodrop/run";
import { type HubOptions, openHub } from "./hub/hub.ts";
import { modelNameText, readModelName } from "./hub/model-name.ts";
import { addModel, findStored } from "./hub/model-store.ts";
import { shipped } from "./shipped.ts";

/** `base` is the bundled model; anything else is a folder, or else the name of a model on a hub.
 *  @throws one line when there is none, or it cannot be fetched */
export async function findModel(
  model: string,
  say: (line: string) => void = () => {},
  hub: HubOptions = {},
): Promise<string> {
  if (model === "base") return shipped("models/base");
  const directory = resolve(model);
  if (existsSync(directory)) return directory;
  const name = readModelName(model);
  if (name === null)
    throw new Error(
      `model: expected "base", a folder in the Hugging Face layout, or ORG/NAME of a hub, but there is no ${directory}`,
    );
  const stored = await findStored(name);
  if (stored !== null) return stored.directory;
  say(`model ${model}: is fetched, once …`);
  return (await addModel(openHub(hub), name, { say })).directory;
}

/** The same model with nothing left open: a hub's with the commit that it has now, so that a run that is continued goes
 *  on with the files that it began with. */
export async function pinModel(
  model: string,
  say: (line: string) => void = () => {},
  hub: HubOptions = {},
): Promise<string> {
  const name = readModelName(model);
  if (name === null || existsSync(resolve(model))) return model;
  await findModel(model, say, hub);
  const stored = await findStored(name);
  return stored === null ? model : modelNameText({ id: name.id, revision: stored.commit });
}

/** Under which PEFT finds a base model by itself: a hub's name, else the folder. */
export const nameForPeft = (model: string, directory: string): string =>
  existsSync(resolve(model)) ? directory : (readModelName(model)?.id ?? directory);

/** Settings that suit a model, under which the run's own come first: those of a hub are large, and lose hardly anything
 *  in int8 (docs/engine.md). */
export const modelDefaults = (model: string): RunOverrides =>
  readModelName(model) === null || existsSync(resolve(model)) ? {} : { baseType: "int8" };
