/** What a host asks for: of the run's machine, of whoever lets people in, or a new run in this one's place. */
import type { HostCommand, HostReply } from "@fedlodrop/protocol";
import { type RunConfig, type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import type { CoordinatorOptions } from "../coordinator.ts";
import { refused } from "../edge.ts";
import type { Access } from "../security/access.ts";
import type { Journal } from "./journal.ts";
import type { LessonRoom } from "./lesson-room.ts";
import type { LiveRun } from "./live-run.ts";
import type { Participants } from "./participants.ts";
import type { RunKeeper } from "./run-keeper.ts";
import type { Workload } from "./workload.ts";

export interface HostCommandRooms {
  run(): LiveRun;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly access: Access;
  readonly participants: Participants;
  readonly lesson: LessonRoom;
  readonly keeper: RunKeeper;
  readonly taskDefaults: CoordinatorOptions["taskDefaults"];
  readonly rateAtStart: CoordinatorOptions["rateAtStart"];
  /** Throws in one line what is wrong with these settings. */
  loadWorkload(config: RunConfig): Promise<Workload>;
  /** A sentence, if a run of these settings takes more than the cluster allows one. */
  quotaProblem(config: RunConfig): Promise<string | null>;
  replaceRun(config: RunConfig, workload: Workload): Promise<void>;
}

/** A run that is replaced gets the loss of its last round, unless that takes longer than a host waits for an answer. */
const LAST_LOSS_MS = 8_000;

/** Answers once what has been done is kept. */
export function createHostCommands(rooms: HostCommandRooms): (given: HostCommand) => Promise<HostReply> {
  const { clock, journal, access, participants, lesson, keeper } = rooms;
  let configuring = false;
  /** The host has said how much is to be dropped. */
  let isRateSet = false;

  async function done(): Promise<HostReply> {
    await journal.durable();
    return { kind: "done" };
  }

  async function command(given: HostCommand): Promise<HostReply> {
    const run = rooms.run();
    switch (given.kind) {
      case "configure":
        return configure(given.config);
      case "lesson":
        lesson.show(given.slide);
        return { kind: "done" };
      case "chaos":
        return participants.inflict(given.participantId, given.fault)
          ? { kind: "done" }
          : refused("unknown-participant", `chaos: ${given.participantId} is not connected`);
      case "require-approval":
        access.requireApproval(given.required);
        return done();
      case "room-code":
        access.useCode(given.wanted);
        return done();
      case "admit":
        return participants.admit(given.waitingId, given.allowed)
          ? { kind: "done" }
          : refused("unknown-participant", "admit: nobody of this id waits");
      case "change": {
        const { config } = run.state;
        if ((given.change.rounds ?? 0) <= config.rounds) break;
        const problem = await rooms.quotaProblem({ ...config, rounds: given.change.rounds as number });
        if (problem !== null) return refused("bad-message", `change: ${problem}`);
        break;
      }
      case "rollback":
        if (!run.canRestore(given.round))
          return refused(
            "wrong-state",
            `rollback: the model before round ${given.round} is not kept any more`,
          );
        break;
    }
    if (configuring && (given.kind === "start" || given.kind === "resume"))
      return refused("wrong-state", `${given.kind}: not possible while a new run is being set up`);
    if (given.kind === "start") suitRate(run);
    const refusal = rooms.run().dispatch({ kind: "command", command: given, atMs: clock.nowMs() });
    if (refusal !== null) return refused(refusal.reason, refusal.message);
    if (given.kind === "change") isRateSet ||= given.change.dropoutRate !== undefined;
    if (given.kind === "kick") access.kick(given.participantId, participants.addressOf(given.participantId));
    if (given.kind === "readmit") access.readmit(given.participantId);
    return done();
  }

  /** As the host would by hand: how many devices there are is known when the run begins. */
  function suitRate(run: LiveRun): void {
    const { kind, config, readyCount } = run.state;
    if (kind !== "lobby" || config.method !== "fixed" || isRateSet || readyCount === 0) return;
    const dropoutRate = rooms.rateAtStart?.(config, readyCount) ?? null;
    if (dropoutRate === null || dropoutRate === config.dropoutRate) return;
    const command = { kind: "change", change: { dropoutRate } } as const;
    run.dispatch({ kind: "command", command, atMs: clock.nowMs() });
  }

  /** A fresh run for the same participants, who load what it needs and become ready again. */
  async function configure(overrides: RunOverrides): Promise<HostReply> {
    const run = rooms.run();
    const { kind, intent, config: current } = run.state;
    if (configuring || !(kind === "paused" || kind === "ended" || (kind === "lobby" && intent === "idle")))
      return refused("wrong-state", `configure: stop or pause the run first, it is ${kind}`);
    configuring = true;
    try {
      const { task = current.task } = overrides;
      const suited = task === current.task ? {} : ((await rooms.taskDefaults?.(task)) ?? {});
      const config = resolveRunConfig(overrides, resolveRunConfig(suited, current));
      const workload = await rooms.loadWorkload(config);
      await run.evaluated(LAST_LOSS_MS);
      await keeper.results(run);
      await rooms.replaceRun(config, workload);
      isRateSet = overrides.dropoutRate !== undefined || (isRateSet && task === current.task);
      return { kind: "done" };
    } catch (error) {
      return refused("bad-message", `configure: ${(error as Error).message}`);
    } finally {
      configuring = false;
    }
  }

  return command;
}
