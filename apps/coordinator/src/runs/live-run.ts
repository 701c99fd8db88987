/** A run that is going on, as those around it see it: its state, and the one door through which anything happens to it. */
import type { Refusal, RunEvent, RunState } from "@fedlodrop/federation";
import type { Pieces, RunReport, SubAdapter, ValueType } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import type { StoredUpload } from "../store/run-store.ts";
import type { Turns } from "../turns.ts";
import type { DeviceEvaluations } from "./device-evaluations.ts";
import type { FoldOrder, KeptAt, PartKeepers } from "./elsewhere.ts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { Planner } from "./planner.ts";
import type { PlanProblem } from "./planning.ts";
import type { PartTerms, RoundMemory } from "./round-numbers.ts";
import type { RunStart } from "./run-start.ts";
import type { SecureRounds } from "./secure-rounds.ts";
import type { Traffic } from "./traffic.ts";
import type { Workload } from "./workload.ts";

export interface LiveRunOptions extends RunStart {
  readonly clock: Clock;
  readonly graceSeconds: number;
  /** So many participants are expected to be in the first round; null if nobody knows. */
  readonly expects: number | null;
  readonly plan: Planner;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly turns: Turns;
  /** Gateways that fold updates; null where there are none. */
  readonly keepers: PartKeepers | null;
}

export interface LiveRun {
  readonly runId: string;
  readonly workload: Workload;
  readonly state: RunState;
  /** The full adapter after the last closed round of the run's own arm. */
  readonly adapter: Float32Array;
  /** The one that the open round began with. */
  readonly roundAdapter: Float32Array;
  /** Of all arms, one behind the other. */
  readonly adapters: Float32Array;
  readonly partsTrainedOn: readonly number[];
  /** Parts whose owners' held-out texts are measured; null before the run has started. */
  readonly partsMeasured: readonly number[] | null;
  /** What later rounds look back on. */
  readonly memory: readonly RoundMemory[];
  /** Why the last plan has paused the run, or null. */
  readonly planProblem: PlanProblem | null;
  readonly traffic: Traffic;
  /** What a gateway has to know of the open round; null when another one is open, or none. */
  roundTerms(round: number): RoundTerms | null;
  /** What a participant holds in the open round at its dropout rate. */
  subAdapter(round: number, participantId: string, dropoutRate: number): Pieces<SubAdapter>;
  /** Whether the host can still go back behind this round. */
  canRestore(beforeRound: number): boolean;
  /** Takes up what is to be done; nothing happens before. */
  begin(): void;
  /** Of these many rounds the participants are not in the state any more, only in the store. */
  readonly thinned: number;
  /** The store has the first `stored` rounds: those that nothing looks back on are let go. */
  letGo(stored: number): void;
  /** Its connection was lost with others, whose devices are all on their way back: nothing is decided without them meanwhile. */
  awaitReturn(participantId: string): void;
  dispatch(event: RunEvent): Refusal | null;
  /**
   * An update whose `changes` are decoded, finite and within range, and the bytes they were decoded from: it counts when
   * the answer is null.
   */
  submit(
    update: Extract<RunEvent, { kind: "update-arrived" }>,
    changes: Float32Array,
    kept: Uint8Array | StoredUpload,
  ): Refusal | null;
  /** An update that a gateway has checked, kept and will fold, as it is told when the answer is an order. */
  submitStored(update: Extract<RunEvent, { kind: "update-arrived" }>, at: KeptAt): FoldOrder | Refusal;
  /** A masked input of the right size under secure aggregation: it counts when the answer is null. */
  submitMasked(update: Extract<RunEvent, { kind: "update-arrived" }>, input: Uint8Array): Refusal | null;
  /** What devices say to each other through the coordinator under secure aggregation. */
  readonly secure: Pick<SecureRounds, "answer" | "inputProblem" | "remind">;
  /** All that has happened so far survives the end of this process. */
  durable(): Promise<void>;
  /** Resolves when no evaluation is under way, or after so long. */
  evaluated(withinMs: number): Promise<void>;
  /** What a device makes of the adapter. @returns why it counts for nothing, or null */
  deviceEvaluated: DeviceEvaluations["answered"];
  report(): RunReport;
  /** Nothing happens in this run any more; its workload is closed. */
  retire(): Promise<void>;
}

/** What of an open round is not a participant's. */
export interface RoundTerms {
  readonly runId: string;
  readonly round: number;
  /** By which masks are drawn, with the seed. */
  readonly maskRound: number;
  readonly seed: string;
  readonly valueType: ValueType;
  /** The full adapter that it began with. */
  readonly adapter: Float32Array;
  /** Null for a round that is folded in one place. */
  readonly fold: PartTerms | null;
}
