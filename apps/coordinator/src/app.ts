/**
 * The coordinator: Fastify for files and facts, Socket.IO for rounds, one live run behind both. `buildCoordinator`
 * builds without listening; clock, randomness, storage, planner and workload come in as options.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createRun, type Participant, type RunState } from "@fedlodrop/federation";
import {
  type ClientToServerEvents,
  type HostCommand,
  type HostReply,
  type HostToServerEvents,
  hostCommandSchema,
  initialAdapter,
  type Join,
  type Joined,
  type Refused,
  type RunConfig,
  type RunDescription,
  type RunOverrides,
  type RunReport,
  resolveRunConfig,
  type ServerToClientEvents,
  type ServerToHostEvents,
} from "@fedlodrop/protocol";
import fastify, { type FastifyInstance } from "fastify";
import { type Namespace, Server } from "socket.io";
import { type Clock, systemClock } from "./clock.ts";
import { parse, refused, replyOf } from "./edge.ts";
import { buildHostView } from "./host-view.ts";
import { createLanes } from "./lanes.ts";
import { createLiveRun, type LiveRun } from "./live-run.ts";
import { type ParticipantSocket, serveParticipant } from "./participant-socket.ts";
import { type Planner, planHere } from "./planner.ts";
import { registerRoutes } from "./routes.ts";
import { createSessions, joinOrder } from "./sessions.ts";
import type { RunStore, StoredRun } from "./store.ts";
import type { DeviceTexts, LoadWorkload, Workload } from "./workload.ts";

export interface CoordinatorOptions {
  /** Of the first run; a stored one brings its own. */
  readonly config: RunConfig;
  readonly loadWorkload: LoadWorkload;
  /** Continue this run. */
  readonly stored?: StoredRun;
  readonly store?: RunStore;
  readonly hostKey: string;
  /** What participants type or scan; asked for after listening has begun. */
  readonly joinUrl: () => string;
  /** Folder of the built pages; without it only the interface is served. */
  readonly pagesDirectory?: string;
  readonly availableTasks?: readonly { readonly name: string; readonly title: string }[];
  /** Settings that suit a task; the host's own override them. */
  readonly taskDefaults?: (task: string) => RunOverrides;
  readonly plan?: Planner;
  readonly clock?: Clock;
  /** Source of tokens and ids. */
  readonly randomText?: (bytes: number) => string;
  /** How long a lost connection may stay away before its work is given up. */
  readonly graceSeconds?: number;
  /** Least time between two views to a host. */
  readonly viewIntervalSeconds?: number;
  readonly log?: (line: string) => void;
}

export interface Coordinator {
  readonly http: FastifyInstance;
  /** What a host may do, without a socket. */
  command(command: HostCommand): Promise<HostReply>;
  readonly state: RunState;
  readonly adapter: Float32Array;
  report(): RunReport;
  close(): Promise<void>;
}

/** Largest message of a socket: a chunk is at most 64 KiB in our pages, and other clients may send a whole update. */
const MAX_MESSAGE_BYTES = 4 * 2 ** 20;

export async function buildCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const {
    stored,
    store,
    clock = systemClock,
    randomText = (bytes) => randomBytes(bytes).toString("base64url"),
    graceSeconds = 10,
    viewIntervalSeconds = 0.2,
    log = () => {},
  } = options;
  const http = fastify({ logger: false, forceCloseConnections: true });
  const io = new Server<ClientToServerEvents, ServerToClientEvents>(http.server, {
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    serveClient: false,
  });
  const hosts = io.of("/host") as unknown as Namespace<HostToServerEvents, ServerToHostEvents>;
  const sessions = createSessions<ParticipantSocket>(stored?.sessions);
  const idOfSocket = new Map<string, string>();
  const code = shortCode(randomText(8));
  let lanes = createLanes();
  let run: LiveRun;
  let configuring = false;

  // ---- what participants are told

  const describe = ({ runId, workload, state }: LiveRun): RunDescription => ({
    runId,
    config: state.config,
    task: workload.task,
    adapter: workload.adapter,
  });

  function dismiss(participantId: string, message: Refused): void {
    const socket = sessions.connection(participantId);
    if (socket === undefined) return;
    sessions.disconnect(participantId, socket);
    socket.emit("dismissed", message);
    socket.disconnect(true);
  }

  const textsOf = (workload: Workload, participantId: string): DeviceTexts =>
    workload.deviceSplit(joinOrder(participantId) % workload.deviceCount);

  // ---- what hosts see, at most so often

  const view = () =>
    buildHostView(
      { runId: run.runId, joinUrl: options.joinUrl(), code, availableTasks: options.availableTasks ?? [] },
      run.state,
      lanes,
      (participantId) => textsOf(run.workload, participantId).device,
      clock.nowMs(),
    );
  let cancelView: (() => void) | null = null;
  const showHosts = (): void => {
    cancelView ??= clock.after(viewIntervalSeconds * 1000, () => {
      cancelView = null;
      hosts.emit("view", view());
    });
  };

  // ---- the run

  function startRun(
    workload: Workload,
    state: RunState,
    adapter: Float32Array,
    runId = randomText(6),
  ): LiveRun {
    lanes = createLanes();
    return createLiveRun({
      runId,
      workload,
      state,
      adapter,
      clock,
      graceSeconds,
      plan: options.plan ?? planHere,
      outbox: {
        roundStart(participantId, message) {
          lanes.started(participantId, message.round);
          sessions.connection(participantId)?.emit("round-start", message);
        },
        roundClosed: (participantId, message) =>
          sessions.connection(participantId)?.emit("round-closed", message),
        runEnded(message) {
          io.emit("run-ended", message);
          void saveResults();
        },
        kicked: (participantId) =>
          dismiss(participantId, refused("kicked", "the host has removed you from this run")),
        recorded(record) {
          saved(store?.appendRound(record));
          saveCheckpoint();
        },
        changed: showHosts,
        log,
      },
    });
  }

  const freshAdapter = (workload: Workload, config: RunConfig): Float32Array =>
    initialAdapter(workload.adapter, config.seed);

  // ---- what is kept

  /** Storage that fails (a full disk) must not end the run. */
  const cannotStore = (error: unknown): void => log(`cannot store the run: ${(error as Error).message}`);
  function saved(writing: Promise<void> | undefined): void {
    writing?.catch(cannotStore);
  }
  function saveCheckpoint(): void {
    const { state, adapter, runId } = run;
    saved(
      store?.saveCheckpoint(
        {
          runId,
          roundsDone: state.records.length,
          baseTestLoss: state.baseTestLoss,
          participants: [...state.participants.values()].map(({ id, nickname, presence }) => ({
            id,
            nickname,
            kicked: presence === "kicked",
          })),
          sessions: [...sessions.stored],
        },
        adapter,
      ),
    );
  }
  const saveResults = async (): Promise<void> => {
    const { workload, adapter } = run;
    const report = run.report();
    if (store)
      await workload
        .serializeAdapter(adapter)
        .then((file) => store.saveResults(report, file))
        .catch(cannotStore);
  };

  // ---- participants

  function join(socket: ParticipantSocket, message: Join): Joined | Refused {
    const { nickname, token: known, resumesRound } = message;
    const knownId = known === undefined ? undefined : sessions.find(known);
    const participantId = knownId ?? sessions.nextId;
    const refusal = run.dispatch({
      kind: "joined",
      participantId,
      nickname,
      resumesRound: resumesRound ?? null,
      atMs: clock.nowMs(),
    });
    if (refusal !== null) return refused(refusal.reason, refusal.message);
    const token = knownId === undefined ? randomText(24) : (known as string);
    if (knownId === undefined) sessions.add(token);
    const previous = sessions.connect(participantId, socket);
    if (previous !== undefined) {
      previous.emit("dismissed", refused("taken-over", "this participant has joined from another tab"));
      previous.disconnect(true);
    }
    idOfSocket.set(socket.id, participantId);
    const { state } = run;
    if (state.kind === "ended")
      socket.emit("run-ended", { reason: state.reason, roundsDone: state.records.length });
    return {
      kind: "joined",
      participantId,
      token,
      nickname,
      deviceIndex: joinOrder(participantId) % run.workload.deviceCount,
      run: describe(run),
    };
  }

  function participantOf(socket: ParticipantSocket): string | undefined {
    const participantId = idOfSocket.get(socket.id);
    return participantId !== undefined && sessions.connection(participantId) === socket
      ? participantId
      : undefined;
  }

  /** The connection is gone, for good (`left`) or perhaps not. */
  function gone(socket: ParticipantSocket, kind: "left" | "disconnected"): void {
    const participantId = participantOf(socket);
    if (participantId === undefined) return;
    sessions.disconnect(participantId, socket);
    run.dispatch({ kind, participantId, atMs: clock.nowMs() });
  }

  io.on("connection", (socket) => {
    serveParticipant(socket, {
      get run() {
        return run;
      },
      nowMs: () => clock.nowMs(),
      join,
      participantOf,
      left: (leaving) => gone(leaving, "left"),
      disconnected(leaving) {
        gone(leaving, "disconnected");
        idOfSocket.delete(leaving.id);
      },
      downloaded: (participantId) => lanes.downloaded(participantId),
      progressed(participantId, progress) {
        lanes.progressed(participantId, progress);
        showHosts();
      },
    });
  });

  // ---- hosts

  hosts.use((socket, next) => {
    const { key } = socket.handshake.auth as { key?: unknown };
    next(typeof key === "string" && sameText(key, options.hostKey) ? undefined : new Error("wrong host key"));
  });
  hosts.on("connection", (socket) => {
    socket.emit("view", view());
    socket.on("command", async (...args: unknown[]) => {
      const reply = replyOf(args);
      const message = parse(hostCommandSchema, args[0]);
      reply(message.kind === "refused" ? message : await command(message.value));
    });
  });

  async function command(given: HostCommand): Promise<HostReply> {
    if (given.kind === "configure") return configure(given.config);
    const refusal = run.dispatch({ kind: "command", command: given, atMs: clock.nowMs() });
    if (refusal !== null) return refused(refusal.reason, refusal.message);
    if (given.kind === "change") saved(store?.saveConfig(run.state.config));
    return { kind: "done" };
  }

  /** A fresh run for the same participants, who load what it needs and become ready again. */
  async function configure(overrides: RunOverrides): Promise<HostReply> {
    const { kind, intent } = run.state;
    if (configuring || !(kind === "paused" || kind === "ended" || (kind === "lobby" && intent === "idle")))
      return refused("wrong-state", `configure: stop or pause the run first, it is ${kind}`);
    configuring = true;
    try {
      const { config: current } = run.state;
      const { task } = overrides;
      const suited =
        task === undefined || task === current.task
          ? current
          : resolveRunConfig(options.taskDefaults?.(task) ?? {}, current);
      const config = resolveRunConfig(overrides, suited);
      const workload = await options.loadWorkload(config);
      const participants = new Map(
        [...run.state.participants.values()].map((participant) => [participant.id, toReload(participant)]),
      );
      await run.retire();
      run = startRun(
        workload,
        { ...createRun(config, workload.adapter), participants, locked: run.state.locked },
        freshAdapter(workload, config),
      );
      saved(store?.begin(config));
      saveCheckpoint();
      for (const id of participants.keys()) sessions.connection(id)?.emit("run-changed", describe(run));
      showHosts();
      return { kind: "done" };
    } catch (error) {
      return refused("bad-message", `configure: ${(error as Error).message}`);
    } finally {
      configuring = false;
    }
  }

  // ---- start and end

  const config = stored?.config ?? options.config;
  const workload = await options.loadWorkload(config);
  if (stored) run = startRun(workload, continueRun(stored, workload), stored.adapter, stored.runId);
  else {
    run = startRun(workload, createRun(config, workload.adapter), freshAdapter(workload, config));
    await store?.begin(config);
    saveCheckpoint();
  }

  await registerRoutes(http, {
    describe: () => describe(run),
    textsOf(token) {
      const participantId = sessions.find(token);
      return participantId === undefined ? undefined : textsOf(run.workload, participantId);
    },
    adapter: () => run.adapter,
    adapterFile: () => run.workload.serializeAdapter(run.adapter),
    roundsDone: () => run.state.records.length,
    report: () => run.report(),
    health: () => ({
      status: "ok",
      phase: run.state.kind,
      round: run.state.records.length,
      connected: io.engine.clientsCount,
    }),
    modelDirectory: () => run.workload.modelDirectory,
    pagesDirectory: options.pagesDirectory ?? null,
    code,
  });

  return {
    http,
    command,
    get state() {
      return run.state;
    },
    get adapter() {
      return run.adapter;
    },
    report: () => run.report(),
    async close() {
      cancelView?.();
      saveCheckpoint();
      await saveResults();
      await run.retire();
      await io.close();
      await http.close();
    },
  };
}

/** After a change of run everyone who is connected has to load again. */
const toReload = (participant: Participant): Participant => ({
  ...participant,
  presence: participant.presence === "ready" ? "loading" : participant.presence,
  device: null,
});

function continueRun(
  { config, records, baseTestLoss, participants }: StoredRun,
  { adapter }: Workload,
): RunState {
  return {
    ...createRun(config, adapter, { records, baseTestLoss }),
    participants: new Map(
      participants.map(({ id, nickname, kicked }) => [
        id,
        { id, nickname, presence: kicked ? "kicked" : "away", device: null },
      ]),
    ),
  };
}

/** Four letters that are hard to mistake. */
function shortCode(randomness: string): string {
  const letters = "ABCDEFGHJKMNPQRSTUVWXYZ";
  return [...Buffer.from(randomness).subarray(0, 4)].map((byte) => letters[byte % letters.length]).join("");
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
