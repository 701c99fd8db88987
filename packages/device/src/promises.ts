import { type Promises, promisesSchema } from "@fedlodrop/run";

const PATIENCE_MS = 20_000;

/** What the run does with what a device sends. @param site address that the pages stand under */
export async function askPromises(site: string): Promise<Promises> {
  const address = `${site}api/promises`;
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${address}: expected the run's promises, got HTTP ${response.status}`);
  return promisesSchema.parse(await response.json());
}
