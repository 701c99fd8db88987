/**
 * The coordinator: Fastify for files and facts, Socket.IO for rounds, one live run behind both. `buildCoordinator`
 * builds without listening; clock, randomness, storage, planner and workload come in as options.
 */
import { randomBytes } from "node:crypto";
import { heldPart, type Participant, ruleProblem } from "@fedlodrop/federation";
import type { HostToServerEvents, ServerToHostEvents } from "@fedlodrop/protocol";
import { adapterSize, type DeviceTexts, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import type { Namespace } from "socket.io";
import { continuedClock, systemClock } from "./clock.ts";
import type { Coordinator, CoordinatorOptions } from "./coordinator.ts";
import { openOwnerDesk } from "./gateway/owner-desk.ts";
import { openFront } from "./http/front.ts";
import { registerRoutes } from "./http/routes.ts";
import { openSubAdapterDesk } from "./http/sub-adapter-desk.ts";
import { watchClosedRounds } from "./operations/closed-rounds.ts";
import { drain } from "./operations/drain.ts";
import { openMetrics } from "./operations/metrics.ts";
import { createLiveRun } from "./runs/create-live-run.ts";
import { createHostCommands } from "./runs/host-commands.ts";
import { createHostViews } from "./runs/host-view.ts";
import { createJournal } from "./runs/journal.ts";
import { createLanes } from "./runs/lanes.ts";
import { createLessonRoom } from "./runs/lesson-room.ts";
import { listedAlone, statusOf } from "./runs/listed-run.ts";
import type { LiveRun } from "./runs/live-run.ts";
import { openOutbox } from "./runs/outbox.ts";
import { describeRun, openParticipants } from "./runs/participants.ts";
import { planHere } from "./runs/planner.ts";
import { quotaProblem } from "./runs/quota-problem.ts";
import { allRounds, reportText, withoutRounds } from "./runs/report-text.ts";
import { createKeeper } from "./runs/run-keeper.ts";
import {
  freshStart,
  lastAccess,
  lastMs,
  type RunStart,
  readFinalRounds,
  storedStart,
  toReload,
} from "./runs/run-start.ts";
import { createSessions } from "./runs/sessions.ts";
import type { Workload } from "./runs/workload.ts";
import { OPEN_ACCESS, openAccess } from "./security/access.ts";
import { openCredentials } from "./security/credentials.ts";
import { type Limits, limitsFor } from "./security/limits.ts";
import { openHostHub } from "./sockets/host-hub.ts";
import { openParticipantSockets } from "./sockets/participant-sockets.ts";

const VIEW_INTERVAL_SECONDS = 0.2;

export async function buildCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const {
    stored,
    store,
    availableTasks = [],
    plan = planHere,
    randomText = (bytes) => randomBytes(bytes).toString("base64url"),
    graceSeconds = 10,
    expects = null,
    log = () => {},
    basePath = "/",
    origins = { allowed: [], required: false },
    trustProxy = false,
  } = options;
  const { clock: baseClock = systemClock } = options;
  const clock = stored ? continuedClock(baseClock, lastMs(stored)) : baseClock;
  let run: LiveRun;
  const limits = (): Limits => ({
    ...limitsFor(((run as LiveRun | undefined)?.state.config ?? options.config).maxParticipants),
    ...options.limits,
  });
  const front = openFront({ tls: options.tls, basePath, origins, trustProxy, limits, log });
  const { http, io, turns } = front;
  const sessions = createSessions<string>();
  const journal = createJournal(store);
  let keptAccess = stored ? lastAccess(stored) : OPEN_ACCESS;
  const access = openAccess({
    record: options.access ? { ...keptAccess, ...options.access } : keptAccess,
    limits,
    randomText,
    changed() {
      keepAccess();
      hosts.changed(null);
    },
  });
  function keepAccess(): void {
    if (access.record === keptAccess) return;
    keptAccess = access.record;
    journal.keep({ kind: "access", access: keptAccess });
  }
  const keeper = createKeeper({
    store,
    journal,
    clock,
    hostKey: options.hostKey,
    sessions: () => sessions,
    access: () => access.record,
    log,
  });
  const newLanes = () => createLanes((participantId) => hosts.changed(participantId));
  let lanes = newLanes();
  let closing: Promise<void> | null = null;
  let draining = false;

  async function loadWorkload(config: RunConfig, isNew = true): Promise<Workload> {
    // One that has begun may end, whatever is allowed now.
    const quotas = isNew ? await options.cluster?.quotas() : undefined;
    const workload = await options.loadWorkload(config);
    const size = adapterSize(workload.adapter);
    const problem = ruleProblem(config, size) ?? (quotas ? quotaProblem(config, size, quotas) : null);
    if (problem === null) return workload;
    await workload.close();
    throw new Error(problem);
  }

  /** Of more than the run was allowed when it began. */
  async function quotaProblemOf(config: RunConfig): Promise<string | null> {
    const quotas = await options.cluster?.quotas();
    return quotas ? quotaProblem(config, adapterSize(run.workload.adapter), quotas) : null;
  }

  /** Its part and the texts are of the same run, as nothing waits in between. */
  async function textsOf(participantId: string): Promise<DeviceTexts | null> {
    const part = run.state.participants.get(participantId)?.part;
    return part === undefined ? null : { part, ...run.workload.deviceSplit(part) };
  }

  /** Whose texts it trains on; null where they are its own. */
  function deviceName(participant: Participant): string | null {
    const part = heldPart(participant);
    return part === null ? null : run.workload.deviceSplit(part).device;
  }

  const metrics = openMetrics({ run: () => run, connections: () => io.engine.clientsCount });
  const noteRounds = watchClosedRounds(
    () => run,
    (record) => {
      metrics.roundClosed(record);
      options.roundClosed?.(record, run.runId);
    },
  );
  const lesson = createLessonRoom({
    // Not to connections that have not been let in.
    tellAll(slide) {
      for (const id of run.state.participants.keys()) participants.tell(id, "lesson", slide);
    },
    changed: () => hosts.changed(null),
  });
  const here = openParticipantSockets({
    io,
    run: () => participants,
    nowMs: () => clock.nowMs(),
    limits,
    trustProxy,
    turns,
    refusing: metrics.refused,
  });
  const owner =
    options.owner &&
    openOwnerDesk({ ...options.owner, here, side: () => participants, run: () => run, clock, log });
  if (owner) http.addHook("onListen", async () => owner.begin());
  const sockets = owner ?? here;
  const participants = openParticipants({
    sockets,
    run: () => run,
    lanes: () => lanes,
    sessions,
    journal,
    clock,
    randomText,
    limits,
    access,
    lesson,
  });
  const hosts = openHostHub({
    hosts: io.of("/host") as unknown as Namespace<HostToServerEvents, ServerToHostEvents>,
    hostKey: options.hostKey,
    limits,
    trustProxy,
    views: createHostViews({
      storageProblem: () => store?.trouble ?? null,
      frame: () => ({ joinUrl: options.joinUrl(), access: access.view, lesson: lesson.view, availableTasks }),
      run: () => run,
      lanes: () => lanes,
      deviceName,
      nowMs: () => clock.nowMs(),
    }),
    runId: () => run.runId,
    rounds: () => run.state.records,
    everyRound: () => allRounds(run, store),
    turn: turns.next,
    command: (given) => command(given),
    settled: journal.settled,
    clock,
    intervalSeconds: VIEW_INTERVAL_SECONDS,
  });

  const command = createHostCommands({
    run: () => run,
    clock,
    journal,
    access,
    participants,
    lesson,
    keeper,
    taskDefaults: options.taskDefaults,
    rateAtStart: options.rateAtStart,
    loadWorkload,
    quotaProblem: quotaProblemOf,
    replaceRun,
  });

  function openRun(from: RunStart): LiveRun {
    lanes = newLanes();
    const outbox = openOutbox({
      journal,
      participants,
      sockets,
      lanes,
      forgotten(participantId) {
        sessions.remove(participantId);
        lanes.forget(participantId);
        participants.forget(participantId);
      },
      ended: () => void keeper.results(run),
      changed(participantId) {
        noteRounds();
        keeper.moved(run);
        hosts.changed(participantId);
      },
      log,
    });
    const keepers = owner?.keepers ?? null;
    return createLiveRun({ ...from, clock, graceSeconds, expects, plan, journal, outbox, turns, keepers });
  }

  /** From here to the new run nothing waits, or whoever joined in between would be in neither. */
  async function replaceRun(config: RunConfig, workload: Workload): Promise<void> {
    const replaced = run;
    const { participants: known, locked } = replaced.state;
    const reloading = [...known.values()].map(toReload);
    run = openRun(freshStart(randomText(6), config, workload, { participants: reloading, locked }));
    const retired = replaced.retire();
    const begun = keeper.begin(run);
    run.begin();
    for (const { id } of reloading) participants.tell(id, "run-changed", describeRun(run));
    // Its texts are dealt anew.
    for (const { id, part } of run.state.participants.values()) participants.tell(id, "dealt", { part });
    hosts.changed(null);
    const kept = begun.catch(() => {});
    // Before anything of the new run reaches a gateway that knows the old one's rounds.
    owner?.runReplaced(kept);
    await Promise.all([retired, kept]);
  }

  const workload = await loadWorkload(stored?.checkpoint.snapshot.config ?? options.config, !stored);
  if (stored) {
    sessions.restore(stored.checkpoint.sessions, stored.checkpoint.idsGiven);
    const finalRecords = store ? await readFinalRounds(store.records()) : [];
    run = openRun(
      storedStart(stored, finalRecords, workload, (entry) => {
        if (entry.kind === "session") sessions.restore([entry]);
      }),
    );
    keeper.resume(finalRecords.length);
    keepAccess();
  } else {
    keptAccess = access.record;
    run = openRun(freshStart(randomText(6), options.config, workload));
    await keeper.begin(run);
  }

  await registerRoutes(http, {
    credentials: openCredentials({
      hostKey: options.hostKey,
      participantOf: participants.holderOf,
      limits,
      trustProxy,
    }),
    describe: () => describeRun(run),
    async runs() {
      return (await options.cluster?.list()) ?? [listedAlone(run, options.joinUrl())];
    },
    textsOf,
    adapter: () => run.adapter,
    adapterFile: () => run.workload.serializeAdapter(run.adapter),
    // A card has no use for every device of every round.
    peftFile: () => run.workload.serializePeft(run.adapter, run.report()),
    roundsDone: () => run.state.records.length,
    reportText: () => reportText(withoutRounds(run.report()), allRounds(run, store)),
    health: () => ({
      status: "ok",
      phase: run.state.kind,
      round: run.state.records.length,
      connected: io.engine.clientsCount,
    }),
    notReady: () =>
      closing === null && !draining ? (store?.trouble ?? null) : "the coordinator is being closed",
    metrics,
    modelDirectory: () => run.workload.modelDirectory,
    modelManifest: () => run.workload.modelManifest,
    pagesDirectory: options.pagesDirectory ?? null,
    basePath,
    subAdapters: openSubAdapterDesk({ run: () => run, turns, side: participants }),
  });

  run.begin();
  options.cluster?.show(() => statusOf(run, options.joinUrl()));
  return {
    http,
    command,
    get state() {
      return run.state;
    },
    get adapter() {
      return run.adapter;
    },
    get storageProblem() {
      return store?.trouble ?? null;
    },
    report: () => run.report(),
    async wholeReport() {
      const rounds: RoundRecord[] = [];
      for await (const record of allRounds(run, store)) rounds.push(record);
      return { ...run.report(), rounds };
    },
    async drain(seconds) {
      draining = true;
      await drain(
        () => run.state,
        () => command({ kind: "pause" }),
        seconds,
        log,
      );
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function closeAll(): Promise<void> {
    hosts.close();
    sockets.tellAll("host-closed");
    await keeper.results(run);
    await run.retire();
    await keeper.close();
    await front.close();
    await owner?.close();
  }
}
