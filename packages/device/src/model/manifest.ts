import { MODEL_MANIFEST, type ModelManifest, modelManifestSchema } from "@fedlodrop/run";

/** What the run's model is. @param address folder of its files, ending in a slash */
export async function fetchManifest(address: string, signal: AbortSignal): Promise<ModelManifest> {
  const response = await fetch(`${address}${MODEL_MANIFEST}`, { signal });
  if (!response.ok)
    throw new Error(`${address}${MODEL_MANIFEST}: expected the model's parts, got HTTP ${response.status}`);
  return modelManifestSchema.parse(await response.json());
}
