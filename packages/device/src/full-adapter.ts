/** The federation's full adapter, as it is now. */
import type { RunDescription } from "@fedlodrop/protocol";
import { adapterSize } from "@fedlodrop/run";

export interface FullAdapter {
  /** Little-endian f32 in flat-vector order. */
  readonly adapter: Float32Array;
  /** The last round in it; 0 of the one that the run began with, which changes nothing. */
  readonly round: number;
}

/** @param site address that the pages stand under @param token this participant's session token */
export async function fetchFullAdapter(
  site: string,
  token: string,
  run: RunDescription,
): Promise<FullAdapter> {
  const response = await fetch(`${site}api/adapter`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`/api/adapter: expected the tuned adapter, got HTTP ${response.status}`);
  const adapter = new Float32Array(await response.arrayBuffer());
  const expected = adapterSize(run.adapter);
  if (adapter.length !== expected)
    throw new Error(`/api/adapter: expected ${expected} values, got ${adapter.length}`);
  return { adapter, round: Number(response.headers.get("x-fedlodrop-round") ?? Number.NaN) };
}
