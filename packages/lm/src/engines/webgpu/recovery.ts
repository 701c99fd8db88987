/**
 * An engine that outlives its device. A lost device takes all its memory along, so this keeps what no device can give
 * back: what the host wrote and which segments ran since the state was last read. After a loss it opens another device,
 * loads the weights again, prepares the same plans, puts the last state that was read into them, runs what had run since,
 * and repeats the run that failed. Equal calls give equal bits, hence so does the whole.
 */
import type { BufferId } from "../../ops/buffer.ts";
import type { Engine, Execution, Plan } from "../../plan/engine.ts";
import { DeviceFailure } from "./device.ts";

/** Runs after which the state is read again, so that little is repeated and little is kept. */
const RUNS_PER_SNAPSHOT = 8;
/** Larger states (caches of keys and values) are never read; all their runs are kept, which are few. */
const SNAPSHOT_BYTES = 32 << 20;
/** Losses in a row after which the device is given up. */
const MOST_LOSSES = 3;

type Values = Float32Array | Int32Array;

type Entry =
  | { readonly kind: "write"; readonly buffer: BufferId; readonly values: Values }
  | { readonly kind: "run"; readonly segment: string };

export interface RecoverySource {
  /** An engine on a new device. */
  open(): Promise<Engine>;
  /** Uploads every weight to it again; the host keeps none of them. */
  upload(engine: Engine): Promise<void>;
  /** Told of each loss that was made good. */
  readonly onRecovery?: (reason: string) => void;
}

export async function recoverable({ open, upload, onRecovery }: RecoverySource): Promise<Engine> {
  let engine = await open();
  const live = new Set<Journal>();
  let losses = 0;
  let recovering: Promise<void> | undefined;

  /** Once for all executions that find the device lost. */
  const recover = (failure: DeviceFailure): Promise<void> => {
    recovering ??= (async () => {
      for (let reason = failure; ; ) {
        if (++losses > MOST_LOSSES) throw reason;
        try {
          engine.dispose();
          const next = await open();
          await upload(next);
          engine = next;
          for (const journal of live) await journal.replay(next);
          onRecovery?.(reason.message);
          return;
        } catch (error) {
          if (!isLoss(error)) throw error;
          reason = error;
        }
      }
    })().finally(() => {
      recovering = undefined;
    });
    return recovering;
  };

  const surviving = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;)
      try {
        const result = await work();
        losses = 0;
        return result;
      } catch (error) {
        if (!isLoss(error)) throw error;
        await recover(error);
      }
  };

  return {
    get description() {
      return engine.description;
    },
    get capabilities() {
      return engine.capabilities;
    },
    weightBytes: (shape) => engine.weightBytes(shape),
    upload: (weight) => engine.upload(weight),
    async prepare(plan) {
      const journal = new Journal(plan);
      await surviving(() => journal.prepare(engine));
      live.add(journal);
      return {
        write: (buffer, values) => journal.write(buffer, values),
        run: (segment, reads) => surviving(() => journal.run(segment, reads ?? [])),
        dispose() {
          live.delete(journal);
          journal.dispose();
        },
      };
    },
    dispose() {
      live.clear();
      engine.dispose();
    },
  };
}

const isLoss = (error: unknown): error is DeviceFailure => error instanceof DeviceFailure && error.isLoss;

/** One plan's way since its state was last on the host. */
class Journal {
  private readonly plan: Plan;
  /** All that lives from run to run on the device alone. */
  private readonly states: readonly BufferId[];
  private readonly canSnapshot: boolean;
  /** What a fresh execution is given first: the last write to each input, and the last state that was read. */
  private readonly base = new Map<BufferId, Values>();
  private entries: Entry[] = [];
  private runs = 0;
  private execution: Execution | undefined;

  constructor(plan: Plan) {
    this.plan = plan;
    const ids = plan.buffers.map((_, id) => id);
    this.states = ids.filter((id) => ["state", "output"].includes(plan.buffers[id]?.kind as string));
    const bytes = this.states.reduce((sum, id) => sum + 4 * (plan.buffers[id]?.size ?? 0), 0);
    this.canSnapshot = bytes <= SNAPSHOT_BYTES;
  }

  async prepare(engine: Engine): Promise<void> {
    this.execution = await engine.prepare(this.plan);
  }

  async replay(engine: Engine): Promise<void> {
    await this.prepare(engine);
    const execution = this.execution as Execution;
    for (const [buffer, values] of this.base) execution.write(buffer, values);
    for (const entry of this.entries)
      if (entry.kind === "write") execution.write(entry.buffer, entry.values);
      else await execution.run(entry.segment);
  }

  write(buffer: BufferId, values: Values): void {
    this.entries.push({ kind: "write", buffer, values: values.slice() });
    try {
      this.execution?.write(buffer, values);
    } catch (error) {
      if (!isLoss(error)) throw error; // the next run recovers, and this write with it
    }
  }

  async run(segment: string, reads: readonly BufferId[]): Promise<readonly Values[]> {
    const snapshots = this.canSnapshot && this.runs + 1 >= RUNS_PER_SNAPSHOT ? this.states : [];
    const results = await (this.execution as Execution).run(segment, [...reads, ...snapshots]);
    if (snapshots.length > 0) this.restart(snapshots, results.slice(reads.length));
    else {
      this.entries.push({ kind: "run", segment });
      this.runs++;
    }
    return results.slice(0, reads.length);
  }

  dispose(): void {
    this.execution?.dispose();
    this.base.clear();
    this.entries = [];
  }

  /** Everything so far is in the base from now on. */
  private restart(states: readonly BufferId[], values: readonly Values[]): void {
    for (const entry of this.entries)
      if (entry.kind === "write") {
        const before = this.base.get(entry.buffer);
        // A shorter write leaves the rest of an earlier one.
        if (before && before.length > entry.values.length) before.set(entry.values as never);
        else this.base.set(entry.buffer, entry.values);
      }
    for (const [i, id] of states.entries()) this.base.set(id, values[i] as Values);
    this.entries = [];
    this.runs = 0;
  }
}
