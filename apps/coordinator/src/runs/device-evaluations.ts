/**
 * What devices find the adapter to do on their own texts, after every n-th round: those whose updates are in it fetch it
 * whole and answer beside the rounds. A round's evaluation waits for them as long as they are here, and only so long; who
 * has not answered in time is not waited for again until it does.
 */
import type { DeviceEvaluated } from "@fedlodrop/protocol";
import {
  type AdapterShape,
  adapterSize,
  type OnDevices,
  type RoundRecord,
  type RunConfig,
} from "@fedlodrop/run";
import type { Clock } from "../clock.ts";

export interface DeviceEvaluations {
  /** A round has closed: whoever contributed is to say what it makes of the adapter, if the round is one of those. */
  recorded(record: RoundRecord): void;
  /** @returns why its answer counts for nothing, or null */
  answered(participantId: string, message: DeviceEvaluated): string | null;
  /** The round's evaluation is there, as a log tells: nobody is asked for it again. */
  known(round: number): void;
  /** It has gone, or lost its connection. */
  gone(participantId: string): void;
  /** What has come when nobody is waited for any more; null of a round that devices don't measure. */
  collected(round: number): Promise<OnDevices | null>;
  close(): void;
}

export interface DeviceEvaluationOptions {
  readonly config: Pick<RunConfig, "evaluateOn">;
  readonly adapter: AdapterShape;
  readonly clock: Clock;
}

type Answer = OnDevices["devices"][number];

interface Collection {
  readonly round: number;
  readonly asked: ReadonlySet<string>;
  readonly awaited: Set<string>;
  readonly answers: Map<string, Answer>;
  readonly whole: Promise<void>;
  end(): void;
}

/** Fetching an adapter and some batches without a backward pass: more than that is not worth a plan's waiting. */
const PATIENCE_MS = 20_000;
/** Evaluations may lag behind by two rounds. */
const KEPT = 4;

export function createDeviceEvaluations(options: DeviceEvaluationOptions): DeviceEvaluations {
  const { config, adapter, clock } = options;
  const collections = new Map<number, Collection>();
  /** Who has let the last one that it was asked for pass. */
  const silent = new Set<string>();

  const settle = (collection: Collection): void => {
    if (collection.awaited.size === 0) collection.end();
  };

  function open(round: number, ids: readonly string[]): void {
    let end = (): void => {};
    const whole = new Promise<void>((resolve) => {
      end = resolve;
    });
    const awaited = new Set(ids.filter((id) => !silent.has(id)));
    const cancel = clock.after(PATIENCE_MS, () => {
      for (const id of awaited) silent.add(id);
      end();
    });
    const collection: Collection = {
      ...{ round, asked: new Set(ids), awaited, answers: new Map(), whole },
      end() {
        cancel();
        end();
      },
    };
    collections.set(round, collection);
    for (const [old, { end }] of collections)
      if (old <= round - KEPT) {
        end();
        collections.delete(old);
      }
    settle(collection);
  }

  return {
    recorded({ round, participants }) {
      const { evaluateOn } = config;
      if (evaluateOn.kind !== "devices" || round % evaluateOn.every !== 0) return;
      open(
        round,
        participants.flatMap(({ id, outcome }) => (outcome === "aggregated" ? [id] : [])),
      );
    },
    answered(participantId, { round, measured }) {
      const collection = collections.get(round);
      if (!collection?.asked.has(participantId))
        return `round ${round}: expected no evaluation of it from this device`;
      silent.delete(participantId);
      collection.awaited.delete(participantId);
      if (measured !== null)
        collection.answers.set(participantId, {
          ...{ id: participantId, ...measured },
          bytesDown: 4 * adapterSize(adapter),
        });
      settle(collection);
      return null;
    },
    known(round) {
      collections.get(round)?.end();
      collections.delete(round);
    },
    gone(participantId) {
      for (const collection of collections.values()) {
        collection.awaited.delete(participantId);
        settle(collection);
      }
    },
    async collected(round) {
      const collection = collections.get(round);
      if (collection === undefined) return null;
      await collection.whole;
      collections.delete(round);
      return summaryOf([...collection.answers.values()]);
    },
    close() {
      for (const { end } of collections.values()) end();
    },
  };
}

/** Means weighted by what was measured; in the order of names, so that sums do not depend on who was first. */
function summaryOf(answers: readonly Answer[]): OnDevices | null {
  if (answers.length === 0) return null;
  const devices = answers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const mean = (of: (answer: Answer) => number | null): number | null => {
    const known = devices.filter((answer) => of(answer) !== null);
    const weight = known.reduce((sum, { count }) => sum + count, 0);
    return weight === 0
      ? null
      : known.reduce((sum, answer) => sum + (answer.count / weight) * (of(answer) as number), 0);
  };
  return {
    testLoss: mean(({ testLoss }) => testLoss) ?? Number.NaN,
    trainLoss: mean(({ trainLoss }) => trainLoss),
    baseTestLoss: mean(({ baseTestLoss }) => baseTestLoss) ?? Number.NaN,
    devices,
  };
}
