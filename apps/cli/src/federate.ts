/** `fedlodrop federate`: a coordinator and N real Chromium tabs in one process tree, from start to report. */
import { setTimeout } from "node:timers/promises";
import type { Participant } from "@fedlodrop/harness";
import type { HostView } from "@fedlodrop/protocol";
import { BACKENDS, DEFAULT_RUN_CONFIG, type RunReport, roundsInAll } from "@fedlodrop/run";
import { prepareEvaluator } from "./evaluator.ts";
import { modelDefaults } from "./find-model.ts";
import { describeFlags, type Flag, type GivenFlags, oneOf, parseFlags, wholeNumber } from "./flags.ts";
import { HUB_FLAG, hubOf } from "./hub-flag.ts";
import { createLiveTable, terminalColors } from "./live-table.ts";
import { whileWaiting } from "./patience.ts";
import { runConfigFromFlags } from "./read-run-flags.ts";
import { RUN_FLAGS, RUN_FLAGS_NOTE } from "./run-flags.ts";
import { runFailure, summarizeRun, summaryLines } from "./run-summary.ts";
import { askedToEnd } from "./signals.ts";
import { taskDefaults } from "./workload.ts";

/** A run short enough to watch; everything else is as the task recommends. */
const DEFAULTS = { rounds: 5 } as const;

/** Where this command's defaults are others than the run's. */
const OWN_HELP: Readonly<Record<string, string>> = {
  rounds: `rounds of the run (${DEFAULTS.rounds})`,
  devices: "parts the training texts are dealt into (one for each tab)",
};

const FEDERATE_FLAGS: readonly Flag[] = [
  { name: "tabs", value: "N", help: "browser tabs that take part (3)" },
  { name: "backend", value: "B", help: "webgpu, wasm or cpu; each tab chooses by default" },
  { name: "headed", help: "show the browser" },
  {
    name: "software-gpu",
    help: "WebGPU on the processor (SwiftShader) even beside a GPU, so that runs repeat",
  },
  { name: "out", value: "DIR", help: "report folder (runs/ and the time)" },
  { name: "json", help: "print the report, and nothing else, on stdout" },
  { name: "port", value: "P", help: "of the coordinator; a free one by default" },
  ...RUN_FLAGS.map((flag) => ({ ...flag, help: OWN_HELP[flag.name] ?? flag.help })),
  HUB_FLAG,
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop federate: a coordinator and N browser tabs fine-tune a language model together. No other device can join.

Usage: fedlodrop federate [flags]

${describeFlags(FEDERATE_FLAGS)}

${RUN_FLAGS_NOTE}

The report folder gets config.json, report.json, metrics.jsonl and adapter.safetensors. The exit code is 0 only when
every round aggregated at least one update, the held-out loss is known and all of it is on disk.

Examples:
  fedlodrop federate --tabs 3 --rounds 3
  fedlodrop federate --tabs 4 --rounds 10 --method fedlora --seed 7 --out runs/fedlora
  fedlodrop federate --tabs 2 --rounds 2 --backend wasm --json > report.json
`;

/** Runs the command; throws in one line when the run or anything before it fails. */
export async function federate(args: readonly string[]): Promise<void> {
  const given = parseFlags(args, FEDERATE_FLAGS);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const { report, storageProblem } = await runFederation(given);
  if (given.has("json")) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const failure = runFailure(report);
  if (failure !== null) throw new Error(`the run failed: ${failure}`);
  if (storageProblem !== null) throw new Error(storageProblem);
}

interface Outcome {
  readonly report: RunReport;
  /** Why the folder does not hold the results; null when it does. */
  readonly storageProblem: string | null;
}

async function runFederation(given: GivenFlags): Promise<Outcome> {
  const tabs = wholeNumber(given, "tabs", 1) ?? 3;
  const backend = oneOf(given, "backend", BACKENDS);
  const config = runConfigFromFlags(given, {
    ...(await taskDefaults((given.get("task") as string | undefined) ?? DEFAULT_RUN_CONFIG.task)),
    ...modelDefaults((given.get("model") as string | undefined) ?? DEFAULT_RUN_CONFIG.model),
    ...DEFAULTS,
    devices: tabs,
    maxParticipants: Math.max(tabs, DEFAULT_RUN_CONFIG.maxParticipants),
  });
  const out =
    (given.get("out") as string | undefined) ?? `runs/${new Date().toISOString().replaceAll(":", "-")}`;
  const colors = terminalColors(process.stderr, process.env);
  const table = createLiveTable(process.stderr, colors, () => performance.now() / 1000);
  const closers: (() => unknown)[] = [];
  const interruption = askedToEnd().then(() => Promise.reject(new Error("interrupted")));
  interruption.catch(() => {}); // Heard of where it is waited for.
  const patiently = <T>(what: string, work: Promise<T>): Promise<T> =>
    Promise.race([whileWaiting(table.say, what, work), interruption]);
  try {
    // Model, coordinator and browser start side by side: each is seconds of loading on its own. The browser is a process
    // of its own, and starts while the coordinator's modules load.
    prepareEvaluator();
    const { connectHost, launchBrowser, openParticipants } = await import("@fedlodrop/harness");
    const launching = launchBrowser({
      headed: given.has("headed"),
      webgpu: given.has("software-gpu") ? "software" : "auto",
      say: table.say,
    });
    launching.catch(() => {}); // Heard of where it is waited for.
    closers.push(async () => (await launching.catch(() => null))?.close());
    const { startFederation } = await import("./federation.ts");
    const { roomCode } = await import("./room-code.ts");
    // A tab that has lost its own coordinator joins whichever comes to that address: here only tabs that know the code can.
    const code = roomCode("random");
    const starting = startFederation({
      config,
      port: wholeNumber(given, "port", 0) ?? 0,
      out,
      hub: hubOf(given),
      expects: tabs,
      access: { roomCode: code },
      say: table.say,
    });
    const address = starting.then(({ url }) => url);
    address.catch(() => {});
    closers.push(async () => (await starting.catch(() => null))?.close());
    const opening = launching.then((browser) =>
      openParticipants(browser, tabs, { url: address, backend, code }),
    );
    opening.catch(() => {});
    const coordinator = await patiently("the coordinator starts", starting);
    await patiently("the browser starts", launching);
    const host = await connectHost(coordinator.url, coordinator.hostKey);
    closers.push(() => host.close());

    table.say(`${tabs} tab${tabs === 1 ? "" : "s"} join ${coordinator.url} …`);
    const participants = await patiently("the tabs load the model and warm up", opening);
    for (const participant of participants) {
      const { participantId, backend, backendReason } = await participant.state();
      table.say(`${participantId} ${participant.nickname}: ${backendReason ?? backend}`);
    }

    host.watch(table.show);
    const redraw = setInterval(() => table.show(host.view()), 1000);
    closers.push(() => clearInterval(redraw));
    const startedAt = performance.now();
    await host.command({ kind: "start" });
    const patienceSeconds = roundsInAll(config) * (config.deadlineSeconds + 60) + 60;
    const over = host.until(isOver, patienceSeconds);
    const released = async (): Promise<void> => {
      const rounds = roundsInAll(config);
      await host.until((view) => isOver(view) || view.rounds.length >= rounds, patienceSeconds);
      await Promise.all(participants.map((tab) => tab.reaches(["ended"], patienceSeconds)));
      table.say(`the tabs are done${isOver(host.view()) ? "" : "; the last evaluation is under way …"}`);
    };
    const told = released().catch(() => {}); // Of a tab that has gone meanwhile nothing is to be told.
    await Promise.race([over, allGone(participants), interruption]);
    await Promise.race([told, setTimeout(RELEASE_MS)]);

    const report = await coordinator.report();
    const summary = summarizeRun(report, (performance.now() - startedAt) / 1000);
    for (const line of summaryLines(summary)) table.say(line);
    await whileWaiting(table.say, "the results are being stored", () => coordinator.close());
    const { storageProblem } = coordinator.coordinator;
    if (storageProblem === null) table.say(`report         ${out}`);
    return { report, storageProblem };
  } finally {
    table.finish();
    for (const close of closers.reverse()) await close();
  }
}

/** By then a tab shows what it has been told. */
const RELEASE_MS = 1000;

const isOver = (view: HostView): boolean => view.phase === "ended";

async function allGone(participants: readonly Participant[]): Promise<never> {
  const reasons = await Promise.all(participants.map(({ gone }) => gone));
  throw new Error(`every tab is gone, the last because: ${reasons.at(-1)}`);
}
