/**
 * Where a run is kept so that nothing which was announced can be lost: the interface, and what is kept. A run is its
 * last checkpoint plus the log of what has happened since; a checkpoint is made when no round is open, and makes the
 * log behind it superfluous.
 */
import type { RunEvent } from "@fedlodrop/federation";
import type { RoundRecord } from "@fedlodrop/run";
import type { AccessRecord } from "../security/access.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { LogEntry } from "./log-frames.ts";

/** An upload whose bytes a gateway has put into the store already. */
export interface StoredUpload {
  readonly sha256: string;
  readonly bytes: number;
}

/** What is logged. An update's event carries its upload's bytes as payload, or names those that are there. */
export type RunEntry =
  | { readonly kind: "event"; readonly event: RunEvent; readonly upload?: StoredUpload }
  | { readonly kind: "session"; readonly participantId: string; readonly tokenDigest: string }
  /** Whom the host lets in: kept and given back, read by the door alone. */
  | { readonly kind: "access"; readonly access: AccessRecord };

export interface StoredRun {
  readonly checkpoint: Checkpoint;
  /** The full adapter at the checkpoint; of a run of two arms both, one behind the other. */
  readonly adapter: Float32Array;
  /** What has happened since, the oldest first. */
  readonly entries: readonly LogEntry<RunEntry>[];
  /** The last rounds that were final at the checkpoint, the oldest first. */
  readonly records: readonly RoundRecord[];
  /** What was found damaged and could be made good, a line each. */
  readonly notices: readonly string[];
}

export interface LoadOptions {
  /** Give up what is behind the damage and go on from the last good checkpoint. */
  readonly fromPrevious: boolean;
}

export interface RunStore {
  /** The run that is kept here. Throws in one line when there is none, or when it cannot be trusted. */
  load(options?: LoadOptions): Promise<StoredRun>;
  /** Starts a run; an earlier one is set aside. Throws in one line when it cannot be kept here. */
  begin(checkpoint: Checkpoint, adapter: Float32Array): Promise<void>;
  /**
   * Keeps what has happened. Resolves once it is on disk, or once storing has failed and the run goes on in memory
   * (`trouble`); never rejects. Calls at the same time are written together.
   */
  append(entry: RunEntry, payload?: Uint8Array): Promise<void>;
  /**
   * Keeps the run as it is now, `records` being the rounds that became final since the last one; entries appended
   * from now on come after it. Never rejects. While an earlier checkpoint is being written this one is left out, which
   * false says when that one is done; the next one takes its records with it.
   */
  checkpoint(
    checkpoint: Checkpoint,
    adapter: Float32Array,
    records: readonly RoundRecord[],
  ): Promise<boolean>;
  /** Writes `report.json` and `adapter.safetensors`. Never rejects. */
  results(report: AsyncIterable<string>, adapterFile: Uint8Array): Promise<void>;
  /** The final rounds from number `from` (1 is the first) on. */
  records(from?: number): AsyncIterable<RoundRecord>;
  /** Why the run is not being kept at the moment, in a sentence; null when it is. */
  readonly trouble: string | null;
  /** Waits for what is being written and lets go of the folder. */
  close(): Promise<void>;
}
