/**
 * Evaluates adapters beside the rounds, one after another in the order of the rounds, all of a run on the same held-out
 * texts: of those who were ready when it started. The base model is evaluated then too, or, where it is known who will come,
 * while they load. Devices may measure a round as well (device-evaluations.ts). An evaluation that fails or takes too long leaves its round without a held-out loss; the run goes on.
 */
import { heldPart, type ReadyParticipant } from "@fedlodrop/federation";
import type { OnDevices, RoundEvaluation, RoundRecord } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import type { DeviceEvaluations } from "./device-evaluations.ts";
import type { EvaluatedParts, Workload } from "./workload.ts";

export interface EvaluationOptions {
  readonly onDevices: DeviceEvaluations;
  readonly workload: Workload;
  readonly clock: Clock;
  /** Of the training texts: those that the adapter was made of before. */
  readonly partsTrainedOn: readonly number[];
  /** Null before the run has started. */
  readonly partsMeasured: readonly number[] | null;
  /** So many participants are expected to be in the first round; null if nobody knows. */
  readonly expects: number | null;
  /** Nobody trains any more, and nobody will. */
  isAlone(): boolean;
  evaluated(round: number, evaluation: RoundEvaluation | null): void;
  log(line: string): void;
}

export interface Evaluations {
  readonly onDevices: Pick<DeviceEvaluations, "answered" | "gone">;
  /** A round's updates are in the adapter. */
  recorded(record: RoundRecord): void;
  /** A round's evaluation is there already, as a log tells. */
  known(round: number): void;
  /** Parts of the training texts that updates in the adapter come from, ascending. */
  readonly partsTrainedOn: readonly number[];
  /** Parts whose owners' held-out texts are measured, ascending; null before the run has started. */
  readonly partsMeasured: readonly number[] | null;
  /** These were ready for a round: if it is the first, evaluations are on held-out texts of their parts' owners. */
  plannedFor(participants: readonly ReadyParticipant[]): void;
  /** Asks for the evaluation of adapters that nobody changes any more; round 0 is the base model. */
  ask(round: number, adapter: Float32Array): void;
  /** Resolves when everything asked for so far has been evaluated or given up, or after so long. */
  settled(withinMs: number): Promise<void>;
  close(): void;
}

type Evaluated = RoundEvaluation | null;

/** An evaluation may take this many times what the last one took, and a minute at least; of the first nothing is known, and a
 *  large model may still be loading beside tabs that load it too. */
const SLACK = 10;
const LEAST_LIMIT_MS = 60_000;
const FIRST_LIMIT_MS = 180_000;

export function createEvaluations(options: EvaluationOptions): Evaluations {
  const { workload, onDevices, clock, isAlone, evaluated, log } = options;
  /** Parts of the training texts that updates in the adapter come from. */
  const partsTrainedOn = new Set(options.partsTrainedOn);
  let { partsMeasured } = options;
  /** What was asked for before it was known on which texts. */
  const early: (() => void)[] = [];
  /** The base model's, on the texts of those who are expected. */
  let foreseen: { readonly measured: readonly number[]; readonly evaluation: Promise<Evaluated> } | null =
    null;
  let queue: Promise<void> = Promise.resolve();
  let lastMs: number | null = null;
  /** One that has taken too long may come to its end all the same; until then the next ones could only wait behind it. */
  let isStuck = false;
  let cancelLimit = (): void => {};
  let closed = false;

  async function evaluate(round: number, adapter: Float32Array, parts: EvaluatedParts): Promise<Evaluated> {
    const of = round === 0 ? "the base model" : `round ${round}`;
    if (isStuck) {
      log(`${of} is not evaluated: an evaluation before it goes on still`);
      return null;
    }
    const startedMs = clock.nowMs();
    const limitMs = lastMs === null ? FIRST_LIMIT_MS : Math.max(LEAST_LIMIT_MS, SLACK * lastMs);
    const tooLong = new Promise<never>((_, reject) => {
      cancelLimit = clock.after(limitMs, () =>
        reject(new Error(`it has taken longer than ${limitMs / 1000} s`)),
      );
    });
    isStuck = true;
    const work = Promise.resolve(workload.evaluate?.(adapter, parts, isAlone())).finally(() => {
      isStuck = false;
      lastMs = clock.nowMs() - startedMs;
    });
    try {
      return (await Promise.race([work, tooLong])) ?? null;
    } catch (error) {
      if (!closed)
        log(`${of} cannot be evaluated: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    } finally {
      cancelLimit();
    }
  }

  const recorded = (record: RoundRecord): void => {
    onDevices.recorded(record);
    const { participants } = record;
    for (const { part, outcome } of participants)
      if (outcome === "aggregated" && typeof part === "number") partsTrainedOn.add(part);
  };

  const inTurn = (round: number, adapter: Float32Array, parts: EvaluatedParts): Promise<Evaluated> => {
    const turn = queue.then(() => (closed ? null : evaluate(round, adapter, parts)));
    queue = turn.then(() => {});
    return turn;
  };

  function ask(round: number, adapter: Float32Array): void {
    const trained = ascending(partsTrainedOn);
    if (partsMeasured === null) {
      if (round === 0 && options.expects !== null) foresee(adapter, options.expects);
      return void early.push(() => ask(round, adapter));
    }
    const parts = { trained, measured: partsMeasured };
    const isForeseen = round === 0 && foreseen !== null && `${foreseen.measured}` === `${partsMeasured}`;
    const evaluation = isForeseen && foreseen ? foreseen.evaluation : inTurn(round, adapter, parts);
    queue = Promise.all([evaluation, onDevices.collected(round)]).then(([found, theirs]) => {
      if (!closed) evaluated(round, withDevices(found, theirs));
    });
  }

  function foresee(adapter: Float32Array, participants: number): void {
    // Newcomers are dealt one part after the other.
    const measured = Array.from({ length: Math.min(participants, workload.deviceCount) }, (_, part) => part);
    foreseen ??= { measured, evaluation: inTurn(0, adapter, { trained: [], measured }) };
  }

  return {
    onDevices,
    recorded,
    known: onDevices.known,
    get partsTrainedOn() {
      return ascending(partsTrainedOn);
    },
    get partsMeasured() {
      return partsMeasured;
    },
    plannedFor(participants) {
      if (partsMeasured !== null) return;
      partsMeasured = ascending(new Set(participants.map(heldPart).filter((part) => part !== null)));
      for (const ask of early.splice(0)) ask();
    },
    ask,
    async settled(withinMs) {
      let cancel = (): void => {};
      const tooLong = new Promise<void>((resolve) => {
        cancel = clock.after(withinMs, resolve);
      });
      await Promise.race([queue, tooLong]);
      cancel();
    },
    close() {
      closed = true;
      cancelLimit();
      onDevices.close();
    },
  };
}

const ascending = (parts: ReadonlySet<number>): readonly number[] => [...parts].sort((a, b) => a - b);

/** Where the coordinator has no texts, the devices' losses are the round's. */
function withDevices(own: Evaluated, onDevices: OnDevices | null): Evaluated {
  if (onDevices === null) return own;
  const { testLoss, trainLoss } = onDevices;
  const unknown = { testAccuracy: null, testF1: null, exampleLossSpread: null };
  return { ...(own ?? { testLoss, trainLoss, ...unknown }), onDevices };
}
