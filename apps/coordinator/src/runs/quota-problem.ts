/** Whether a run keeps to what its cluster's operator allows one: known before it begins, so that none is stopped midway. */
import { payloadBytes } from "@fedlodrop/protocol";
import { type RunConfig, roundsInAll } from "@fedlodrop/run";

/** Null is no limit. */
export interface Quotas {
  /** At a time. */
  readonly runs: number | null;
  /** Of one run. */
  readonly devices: number | null;
  /** Of updates that one run takes in all its rounds. */
  readonly bytes: number | null;
}

export const NO_QUOTAS: Quotas = { runs: null, devices: null, bytes: null };

/** @param valueCount of the adapter @returns a sentence that names the setting, got and expected; null when it keeps to them */
export function quotaProblem(
  config: RunConfig,
  valueCount: number,
  { devices, bytes }: Quotas,
): string | null {
  const { maxParticipants, valueType } = config;
  if (devices !== null && maxParticipants > devices)
    return `maxParticipants: the quota of a run here is ${devices} devices, got ${maxParticipants}`;
  const most = roundsInAll(config) * maxParticipants * payloadBytes(valueCount, valueType);
  if (bytes !== null && most > bytes)
    return (
      `rounds: the quota of a run here is ${bytes} bytes of updates, got up to ${most} ` +
      `(${roundsInAll(config)} rounds of ${maxParticipants} devices without dropout); fewer rounds, places or a smaller rank take less`
    );
  return null;
}
