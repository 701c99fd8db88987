/** A participant's file, read in the tab; what its rows are to a task the device finds out. */

import type { OwnTexts } from "@fedlodrop/device/page";
import { readRows } from "@fedlodrop/tasks";

/** As this page has kept them; null for none, and for what is damaged. */
export function parseOwnTexts(kept: string): OwnTexts | null {
  if (kept === "") return null;
  try {
    const { id, fileName, rows } = JSON.parse(kept) as Partial<OwnTexts>;
    if (typeof id !== "string" || typeof fileName !== "string" || !Array.isArray(rows)) return null;
    return rows.every((row) => typeof row?.text === "string") ? { id, fileName, rows } : null;
  } catch {
    return null;
  }
}

/** @throws one line that a person can act on, when the file cannot be read. */
export async function readOwnFile(bytes: Uint8Array, fileName: string): Promise<OwnTexts> {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const rows = await readRows(bytes, fileName);
  return { id: `${high.toString(36)}-${low.toString(36)}`, fileName, rows };
}
