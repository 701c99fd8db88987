/**
 * One participant's device: joins, loads, trains each round it is asked to, and tries prompts between rounds.
 * Everything that uses the trainer goes through one queue, because a trainer does one thing at a time.
 */
import { type BackendChoice, pickBackend, type TfjsWasm, type WasmHost } from "@fedlodrop/lm";
import { CHAOS_SECONDS, type EnergyProfile, type Joined, type RefusalReason } from "@fedlodrop/protocol";
import { TextFaultError } from "@fedlodrop/tasks";
import { io } from "socket.io-client";
import { openAccounts } from "./accounts.ts";
import { openChaos } from "./chaos.ts";
import { DeviceUnfitError } from "./device-fit.ts";
import { openExampleBudget, spentOnTexts } from "./example-budget.ts";
import { type Link, LinkClosedError, openLink, type ParticipantSocket, RefusedError } from "./link.ts";
import { type Loaded, load, loadKey, TextsWantedError } from "./load.ts";
import { type FromWorker, type OwnTexts, type ToWorker, toPlainError } from "./messages.ts";
import { sizeUpModel } from "./model/model-size.ts";
import { type Membership, openRounds } from "./open-rounds.ts";
import { answerEvaluation } from "./own-evaluation.ts";
import { askPromises } from "./promises.ts";
import { measureRoundTrip } from "./round.ts";
import { openSecureMembers } from "./secure-members.ts";
import { tryPrompt, UnusablePromptError } from "./try-it.ts";
import { UnsafeRoundError } from "./unsafe-round.ts";

/** Refusals after which the coordinator still expects something of this device. */
const UNNOTED: ReadonlySet<RefusalReason> = new Set([
  "bad-message",
  "wrong-order",
  "unknown-participant",
  "used-up",
]);

export interface DeviceOptions {
  /** Where kernels and threads of the WASM engine come from: the browser's unless told otherwise. */
  readonly wasmHost?: WasmHost;
  /** Where tfjs's .wasm files lie, for browsers that our own kernels do not run in; without them there is no fall-back. */
  readonly tfjsWasm?: TfjsWasm;
  /** Of the whole device; the browser is asked when absent. */
  readonly memoryBytes?: number;
  /** Seconds that processors have been at its work so far, over its threads; absent where nobody tells, as in browsers. */
  readonly processorSeconds?: () => number | null;
}

/** Returns what takes the page's messages; `post` carries the answers. */
export function createDevice(
  post: (message: FromWorker) => void,
  { wasmHost, tfjsWasm, memoryBytes, processorSeconds = () => null }: DeviceOptions = {},
): (message: ToWorker) => void {
  let site = "";
  let choice: BackendChoice | undefined;
  let energy: { profile: EnergyProfile; batteryWatts: number | null } | undefined;
  let ownTexts: OwnTexts | null = null;
  let link: Link | undefined;
  let membership: Membership | undefined;
  let loaded: Loaded | undefined;
  let loading: AbortController | undefined;
  let enrolling: symbol | null = null;
  const chaos = openChaos();
  const accounts = openAccounts();
  const secureMembers = openSecureMembers(accounts);
  let trainerQueue: Promise<void> = Promise.resolve();

  const fail = (error: unknown): void => {
    if (!(error instanceof LinkClosedError)) post({ kind: "failed", error: toPlainError(error) });
  };

  /** Runs `work` when the trainer is free. */
  function withTrainer(work: () => Promise<void>): void {
    trainerQueue = trainerQueue.then(work).catch(fail);
  }

  const rounds = openRounds({
    present: () => ({ site, link, membership, loaded, energy }),
    ...{ processorSeconds, chaos, examplePrivacy: openExampleBudget(accounts) },
    secureMembers,
    ...{ withTrainer, recover, post },
  });

  /** Whoever leaves meanwhile, or joins again, does not come in late. */
  async function enrol({ nickname, token, code }: Extract<ToWorker, { kind: "join" }>): Promise<void> {
    const mine = Symbol();
    enrolling = mine;
    if (token !== null) await accounts.recall(token);
    if (enrolling === mine) join(nickname, token, code);
  }

  function join(nickname: string, token: string | null, code: string | null): void {
    link?.close();
    const { origin, pathname } = new URL(site);
    const socket: ParticipantSocket = io(origin, {
      path: `${pathname}socket.io/`,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
    });
    link = openLink(
      socket,
      { nickname, token, code },
      {
        openRound: rounds.current,
        connection: (online) => post({ kind: "connection", online }),
        refused(refused) {
          if (refused.reason !== "awaiting-approval") leave();
          post({ kind: "join-refused", refused });
        },
        joined: enter,
      },
    );
    socket.on("run-changed", (run) => {
      if (!membership) return;
      if (membership.run.runId !== run.runId) rounds.abandon("new-run");
      membership = { ...membership, run };
      post({ kind: "run-changed", run });
      prepare();
    });
    socket.on("dealt", ({ part }) => {
      if (!membership) return;
      if (part !== membership.part) post({ kind: "dealt" });
      membership = { ...membership, part };
      prepare();
    });
    socket.on("sharing", ({ sharedWith }) => post({ kind: "sharing", sharedWith }));
    socket.on("round-start", rounds.takePart);
    socket.on("round-closed", (closed) => {
      if (rounds.current() === closed.round) rounds.abandon("closed-first");
      post({ kind: "round-closed", closed });
      measureOwn(closed.round);
    });
    socket.on("round-evaluated", (evaluated) => post({ kind: "round-evaluated", evaluated }));
    socket.on("run-ended", (ended) => {
      rounds.abandon("run-ended");
      post({ kind: "run-ended", ended });
    });
    socket.on("chaos", (fault) => {
      chaos.inflict(fault);
      // A page closes itself at `kill`; where there is none, the device is gone as long.
      if (fault === "cut" || fault === "kill") link?.cut(CHAOS_SECONDS);
      post({ kind: "chaos", fault });
    });
    socket.on("lesson", (slide) => post({ kind: "lesson", slide }));
    socket.on("host-closed", () => post({ kind: "host-closed" }));
    socket.on("dismissed", (refused) => {
      leave();
      post({ kind: "dismissed", refused });
    });
  }

  async function enter({
    participantId,
    token,
    nickname,
    part,
    run,
    given,
    evaluated,
  }: Joined): Promise<void> {
    if (membership && membership.participantId !== participantId) rounds.abandon("new-identity");
    if (membership && membership.run.runId !== run.runId) rounds.abandon("other-run");
    membership = { participantId, token, part, run };
    await accounts.keepUnder(token);
    if (membership?.token !== token) return;
    const { examples } = accounts.of(run.runId);
    const textsEpsilon = examples && spentOnTexts(examples);
    post({ kind: "joined", participantId, token, nickname, run, given, evaluated, textsEpsilon });
    prepare();
  }

  /** Loads what the run needs, unless it is there already, and says `ready`. */
  function prepare(): void {
    if (!membership || !choice) return;
    const { run, participantId, token, part } = membership;
    if (loaded?.key === loadKey(run, participantId, ownTexts, part)) return void announceReady().catch(fail);
    loading?.abort();
    const abort = new AbortController();
    loading = abort;
    const request = {
      ...{ site, run, participantId, token, part, ownTexts, choice },
      ...(wasmHost && { wasmHost }),
      ...(tfjsWasm && { tfjsWasm }),
      ...(memoryBytes !== undefined && { memoryBytes }),
    };
    withTrainer(async () => {
      if (abort.signal.aborted) return;
      loaded?.trainer.dispose();
      loaded = undefined;
      try {
        loaded = await load(request, abort.signal, (message) => {
          if (!abort.signal.aborted) post(message);
        });
        if (!abort.signal.aborted) await announceReady();
      } catch (error) {
        if (abort.signal.aborted) return;
        // The others need not wait for it.
        if (error instanceof DeviceUnfitError) leave();
        if (!(error instanceof TextsWantedError)) throw error;
        const { cause, message } = error;
        post({
          ...{ kind: "texts-wanted", message },
          fault: cause instanceof TextFaultError ? cause.fault : null,
        });
      }
    });
  }

  /** The coordinator has noted an unusable update; of any other failure it must hear, or the round waits for us. */
  function recover(error: unknown): void {
    if (error instanceof RefusedError && !UNNOTED.has(error.refused.reason)) return;
    if (!(error instanceof RefusedError || error instanceof UnsafeRoundError)) {
      // After a failure in training, such as a lost GPU, only a new trainer can be trusted.
      loaded?.trainer.dispose();
      loaded = undefined;
    }
    link?.rejoin();
  }

  async function announceReady(): Promise<void> {
    if (!link || !loaded || !energy) return;
    const { runId, sampleCount, part, warmUp, source, trainer } = loaded;
    const { backend, device } = trainer.engine;
    const energyProfile = energy.profile;
    const never = new AbortController().signal;
    await link.persist(never, async (socket) => {
      const roundTripSeconds = await measureRoundTrip(socket);
      const ready = {
        runId,
        backend,
        deviceDescription: device,
        sampleCount,
        part,
        ...warmUp,
        roundTripSeconds,
        energyProfile,
      };
      const reply = await socket.emitWithAck("ready", ready);
      if (reply.kind === "refused") {
        // Another run or other texts are wanted by now: of them it hears, and loads them.
        if (reply.reason !== "wrong-state") post({ kind: "refused", refused: reply });
      } else if (part === null || part === membership?.part)
        post({ kind: "ready", engine: device, source, sampleCount, ...warmUp });
    });
  }

  /** After a round that devices measure; whoever has had part in it is waited for, so an answer comes in any case. */
  function measureOwn(closed: number): void {
    const { evaluateOn } = membership?.run.config ?? { evaluateOn: { kind: "coordinator" } as const };
    if (evaluateOn.kind !== "devices" || closed % evaluateOn.every !== 0) return;
    withTrainer(async () => {
      if (!link || !loaded || !membership) return;
      const answer = await answerEvaluation({ site, ...membership, ...loaded }, closed);
      // One that comes too late is refused, and missed by nobody.
      await link.persist(new AbortController().signal, (socket) => socket.emitWithAck("evaluated", answer));
    });
  }

  function tryOut(prompt: string): void {
    if (rounds.current() !== undefined) post({ kind: "trying" });
    withTrainer(async () => {
      if (!loaded || !membership) return;
      const { trainer, tokenizer, ownHeldOut } = loaded;
      await tryPrompt({ site, ...membership, trainer, tokenizer, ownHeldOut, post }, prompt).catch(
        (error: unknown) =>
          post({
            kind: "try-failed",
            because: error instanceof UnusablePromptError ? error.because : null,
            error: toPlainError(error),
          }),
      );
    });
  }

  function leave(): void {
    enrolling = null;
    rounds.abandon("left");
    loading?.abort();
    link?.leave();
    link = undefined;
    membership = undefined;
  }

  return (message) => {
    switch (message.kind) {
      case "check":
        site = message.site;
        pickBackend(message.backend ?? undefined).then((found) => {
          choice = found;
          post({ kind: "checked", choice: found });
        }, fail);
        // Without it the page says less, and whatever is wrong is said when the device joins.
        sizeUpModel(site).then(
          (size) => post({ kind: "model-size", ...size }),
          () => {},
        );
        askPromises(site).then(
          (promises) => post({ kind: "promises", promises }),
          () => {},
        );
        return;
      case "join":
        energy = { profile: message.profile, batteryWatts: null };
        ownTexts = message.ownTexts;
        secureMembers.useSecret(message.secret ?? null);
        enrol(message);
        return;
      case "own-texts":
        ownTexts = message.ownTexts;
        prepare();
        return;
      case "energy":
        energy = { profile: message.profile, batteryWatts: message.batteryWatts };
        return;
      case "try":
        tryOut(message.prompt);
        return;
      case "guess":
        // It concerns no round: where the connection is lost the pupil sees so, and may choose again.
        link?.socket.emit("guess", message.guess, () => {});
        return;
      case "leave":
        leave();
        post({ kind: "left" });
        return;
      default:
        message satisfies never;
    }
  };
}
