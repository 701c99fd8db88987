/** What an earlier run left in a folder moves into a folder of its own in it, whole or damaged. */
import { join } from "node:path";
import type { Disk } from "./disk.ts";

const RUN_FILE =
  /^(?:(?:config|checkpoint|checkpoint-\d+|report)\.json|metrics\.jsonl|events\.out\.tfevents|log-\d+\.bin|adapter(?:-\d+\.f32|\.safetensors))(?:\.damaged)?$/;
const CHECKPOINT = /^checkpoint(?:-(\d+))?\.json$/;

export async function setAsideEarlierRun(disk: Disk, directory: string): Promise<void> {
  const names = (await disk.list(directory)).filter((name) => RUN_FILE.test(name));
  const [newest] = names
    .filter((name) => CHECKPOINT.test(name))
    .sort((a, b) => Number(CHECKPOINT.exec(b)?.[1] ?? -1) - Number(CHECKPOINT.exec(a)?.[1] ?? -1));
  const last = newest ?? names[0];
  if (last === undefined) return;
  const archive = join(directory, await nameOf(disk, directory, last));
  await disk.makeDirectory(archive);
  // The newest checkpoint last: after a kill in between, the rest is moved to the same place.
  for (const name of [...names.filter((name) => name !== last), last])
    await disk.rename(join(directory, name), join(archive, name));
  await disk.syncDirectory(archive);
  await disk.syncDirectory(directory);
}

/** Its run id, or when the checkpoint was written if it cannot be read. */
async function nameOf(disk: Disk, directory: string, checkpoint: string): Promise<string> {
  const path = join(directory, checkpoint);
  try {
    const text = new TextDecoder().decode(await disk.read(path));
    const value = JSON.parse(text) as { runId?: unknown; body?: { checkpoint?: { runId?: unknown } } };
    const runId = value.body?.checkpoint?.runId ?? value.runId;
    if (typeof runId === "string" && /^[\w-]+$/.test(runId)) return runId;
  } catch {
    // Named by its time below.
  }
  return (await disk.modifiedAt(path)).toISOString().replaceAll(":", "-");
}
