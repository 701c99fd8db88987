/** One file of a hub onto the disk: taken up where it was cut, and believed only when its hash is the hub's. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { type Hub, type HubFile, type HubModel, HubRefusal, startChecksum } from "./hub.ts";

export interface Patience {
  /** A connection on which nothing comes for so long counts as cut. */
  readonly stallSeconds: number;
  /** Before the first try after a cut; twice as long after each that brought nothing. */
  readonly pauseSeconds: number;
  /** Tries in a row that bring nothing. */
  readonly tries: number;
}

const USUAL_PATIENCE: Patience = { stallSeconds: 30, pauseSeconds: 1, tries: 5 };

/** @param path where the file is to be; what has come of it so far lies beside it, as PATH.part
 *  @param onBytes told what has come since it was last told, bytes of an earlier try included
 *  @throws one line when it cannot be had, or is not the file that the hub says it is: nothing is kept of it then */
export async function downloadFile(
  hub: Hub,
  model: HubModel,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void,
  patience: Patience = USUAL_PATIENCE,
): Promise<void> {
  const part = `${path}.part`;
  let told = 0;
  const tell = (length: number): void => {
    onBytes(length - told);
    told = length;
  };
  for (let failures = 0; ; ) {
    const begin = await lengthOf(part);
    if (begin >= file.bytes) break;
    tell(begin);
    try {
      await fetchRest(hub, model, file, part, begin, tell, patience.stallSeconds);
      break;
    } catch (error) {
      if (isHopeless(error)) throw error;
      failures = (await lengthOf(part)) > begin ? 0 : failures + 1;
      if (failures >= patience.tries)
        throw new Error(
          `hub: ${file.name} of ${model.id} was cut off ${failures} times (${(error as Error).message}); what has come is kept, so try again later`,
          { cause: error },
        );
      await pause(patience.pauseSeconds * 2 ** failures * 1000);
    }
  }
  tell(file.bytes);
  await expectWhole(file, part, model.id);
  await rename(part, path);
}

async function fetchRest(
  hub: Hub,
  model: HubModel,
  file: HubFile,
  part: string,
  begin: number,
  tell: (length: number) => void,
  stallSeconds: number,
): Promise<void> {
  const stall = new AbortController();
  const watch = setTimeout(() => {
    stall.abort(new Error(`nothing came for ${stallSeconds} s`));
  }, stallSeconds * 1000);
  let target: FileHandle | null = null;
  try {
    const response = await hub.open(model, file, begin, stall.signal);
    // A server that knows no ranges begins anew.
    let length = response.status === 206 ? begin : 0;
    target = await open(part, length > 0 ? "r+" : "w");
    for await (const chunk of response.body ?? []) {
      watch.refresh();
      if (length + chunk.byteLength > file.bytes) {
        await target.truncate(0);
        throw new HubRefusal(`hub: expected ${file.bytes} bytes of ${file.name}, got more`, true);
      }
      await target.write(chunk, 0, chunk.byteLength, length);
      length += chunk.byteLength;
      tell(length);
    }
    if (length < file.bytes) throw new Error(`after ${length} of ${file.bytes} bytes`);
  } finally {
    clearTimeout(watch);
    await target?.close();
  }
}

/** What another try cannot mend: the hub's own word, and this machine's disk. */
const isHopeless = (error: unknown): boolean =>
  error instanceof HubRefusal
    ? error.isFinal
    : ["ENOSPC", "EACCES", "EROFS", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");

async function expectWhole(file: HubFile, part: string, id: string): Promise<void> {
  const got = await digestOf(file, part);
  if (got === file.checksum.digest) return;
  await rm(part);
  throw new Error(
    `hub: ${file.name} of ${id}: expected the ${file.checksum.kind} hash ${file.checksum.digest}, got ${got}; it was thrown away, so try again`,
  );
}

/** Whether it is on the disk as the hub has it: an earlier download may have been ended, or its files changed. */
export const isWhole = async (file: HubFile, path: string): Promise<boolean> =>
  (await lengthOf(path)) === file.bytes && (await digestOf(file, path)) === file.checksum.digest;

async function digestOf(file: HubFile, path: string): Promise<string> {
  const hash = startChecksum(file);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** 0 where there is no such file. */
export const lengthOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );
