/** What a coordinator is made of, and what whoever composes a program gets. */
import type { RunState } from "@fedlodrop/federation";
import type { HostCommand, HostReply } from "@fedlodrop/protocol";
import type { RoundRecord, RunConfig, RunOverrides, RunReport } from "@fedlodrop/run";
import type { FastifyInstance } from "fastify";
import type { Clock } from "./clock.ts";
import type { OwnerOptions } from "./gateway/owner-desk.ts";
import type { ListedRun, RunStatus } from "./runs/listed-run.ts";
import type { Planner } from "./runs/planner.ts";
import type { Quotas } from "./runs/quota-problem.ts";
import type { LoadWorkload } from "./runs/workload.ts";
import type { AccessRecord } from "./security/access.ts";
import type { Limits } from "./security/limits.ts";
import type { OriginRule } from "./security/origin.ts";
import type { RunStore, StoredRun } from "./store/run-store.ts";

export interface CoordinatorOptions {
  /** Of the first run; a stored one brings its own. */
  readonly config: RunConfig;
  readonly loadWorkload: LoadWorkload;
  /** Continue this run. */
  readonly stored?: StoredRun;
  readonly store?: RunStore;
  /** Take gateways, which hold participants' sockets in processes of their own. */
  readonly owner?: OwnerOptions;
  /** Runs beside this one, and what each may take. */
  readonly cluster?: Cluster;
  readonly hostKey: string;
  /** Who may join; what is not said here is as a stored run had it. */
  readonly access?: Partial<AccessRecord>;
  /** What participants type or scan; asked for after listening has begun. */
  readonly joinUrl: () => string;
  /** Folder of the built pages; without it only the interface is served. */
  readonly pagesDirectory?: string;
  /** Path that a proxy shows the coordinator under, `/` or `/…/`; it may pass it on or take it off. */
  readonly basePath?: string;
  /** Pages of which further origins may connect, and whether programs that name none may not. */
  readonly origins?: OriginRule;
  /** Speak https with these, in PEM; http without them. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Believe `x-forwarded-for`: only behind a proxy that sets it. */
  readonly trustProxy?: boolean;
  /** In place of those that suit the run's places. */
  readonly limits?: Partial<Limits>;
  readonly availableTasks?: readonly { readonly name: string; readonly title: string }[];
  /** Settings that suit a task; the host's own override them. */
  readonly taskDefaults?: (task: string) => Promise<RunOverrides>;
  /** γ of the method `fixed` that so many devices begin with where no host has set one; null leaves it as it is. */
  readonly rateAtStart?: (config: RunConfig, devices: number) => number | null;
  readonly plan?: Planner;
  readonly clock?: Clock;
  /** Source of tokens and ids. */
  readonly randomText?: (bytes: number) => string;
  /** So many participants will begin the run: the base model is evaluated on their held-out texts before they are ready. */
  readonly expects?: number;
  /** How long a lost connection may stay away before its work is given up. */
  readonly graceSeconds?: number;
  readonly log?: (line: string) => void;
  /** Told of each round in the moment in which it closes; its losses are not known yet. */
  readonly roundClosed?: (record: RoundRecord, runId: string) => void;
}

interface Cluster {
  show(status: () => RunStatus): void;
  list(): Promise<readonly ListedRun[]>;
  quotas(): Promise<Quotas>;
}

export interface Coordinator {
  readonly http: FastifyInstance;
  /** What a host may do, without a socket. */
  command(command: HostCommand): Promise<HostReply>;
  readonly state: RunState;
  readonly adapter: Float32Array;
  /** Why the run is not on disk, in a sentence; null when it is, or when it is not to be. */
  readonly storageProblem: string | null;
  /** Rounds long ago are without their participants where a store has them. */
  report(): RunReport;
  wholeReport(): Promise<RunReport>;
  /** Takes no new devices, and begins no round; resolves when the open one has closed, or after that many seconds. */
  drain(seconds: number): Promise<void>;
  /** Results are stored and everybody is gone when it resolves. */
  close(): Promise<void>;
}
