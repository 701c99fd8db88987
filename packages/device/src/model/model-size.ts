import { fetchManifest } from "./manifest.ts";
import { missingBytes } from "./model-parts.ts";
import { openPartStore } from "./part-store.ts";

export interface ModelSize {
  readonly totalBytes: number;
  /** Not on this device, so that joining downloads it. */
  readonly missingBytes: number;
}

/** Of the model that the coordinator has now. @param site address that the pages stand under */
export async function sizeUpModel(site: string): Promise<ModelSize> {
  const manifest = await fetchManifest(`${site}models/`, AbortSignal.timeout(20_000));
  return {
    totalBytes: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
    missingBytes: await missingBytes(manifest, await openPartStore(manifest.version)),
  };
}
