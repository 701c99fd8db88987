/** A participant's file, read in the tab; what its rows are to a task the device finds out. */

import type { OwnTexts } from "@fedlodrop/device/page";
import { readTextRows } from "@fedlodrop/tasks";

/** @throws one line that a person can act on, when the file cannot be read. */
export function readOwnFile(bytes: Uint8Array, fileName: string): OwnTexts {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return { id: `${high.toString(36)}-${low.toString(36)}`, fileName, rows: readTextRows(bytes, fileName) };
}
