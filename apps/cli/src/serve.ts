/** `fedlodrop serve`: the coordinator with its pages, until it is interrupted. */
import { setTimeout } from "node:timers/promises";
import { readOrigin } from "@fedlodrop/coordinator";
import { DEFAULT_RUN_CONFIG, type RunOverrides } from "@fedlodrop/run";
import { renderUnicodeCompact } from "uqr";
import { type AnnouncedName, announceName, readAnnouncedName } from "./announced-name.ts";
import {
  type Certificate,
  ownCertificate,
  ownNames,
  readCertificate,
  warningInWords,
} from "./certificate.ts";
import { CLUSTER_FLAGS, clusterOf } from "./cluster.ts";
import { type Federation, startFederation } from "./federation.ts";
import { modelDefaults } from "./find-model.ts";
import { describeFlags, type Flag, type GivenFlags, oneOf, parseFlags, wholeNumber } from "./flags.ts";
import { type GatewayProgram, startGateway } from "./gateway.ts";
import { HUB_FLAG, hubOf } from "./hub-flag.ts";
import { DATABASE_FLAGS, databaseOf } from "./kept-run.ts";
import { readBasePath, readHost, readPublicUrl } from "./listen-address.ts";
import { openLog } from "./log.ts";
import { runConfigFromFlags, tellsOfRun } from "./read-run-flags.ts";
import { roomCode } from "./room-code.ts";
import { RUN_FLAGS, RUN_FLAGS_NOTE } from "./run-flags.ts";
import { askedToEnd } from "./signals.ts";
import { UsageError } from "./usage-error.ts";
import { taskDefaults } from "./workload.ts";

const DEFAULT_PORT = 7860;
/** Everybody of up to three devices, and of more all but a quarter: among strangers' devices one is always slow. */
const SERVE_QUORUM = 0.75;
/** What is shown to whoever has not said what to run: what dropout does, beside none of it. */
const DEMONSTRATION: RunOverrides = { compareWith: { method: "fedlora", dropoutRate: 0 } };

const SERVE_FLAGS: readonly Flag[] = [
  { name: "port", value: "P", help: `port to listen on (${DEFAULT_PORT}); 0 takes a free one` },
  {
    name: "host",
    value: "ADDRESS",
    help: "IP address to listen to: 0.0.0.0 (default) or :: for every device of this network, localhost for none",
  },
  {
    name: "base-path",
    value: "/PATH",
    help: "serve under this path as well as at /, for a proxy that passes it on",
  },
  {
    name: "https",
    help: "speak https, which browsers want for WebGPU and threads; with a certificate made here, unless --cert",
  },
  { name: "cert", value: "FILE", help: "certificate of your own for --https, in PEM, with its chain" },
  { name: "key", value: "FILE", help: "the key of --cert" },
  {
    name: "public-url",
    value: "URL",
    help: "where a proxy or tunnel shows this coordinator: what the QR code says; its pages may connect",
  },
  {
    name: "mdns",
    value: "NAME",
    help: "let devices of this network open NAME.local instead of an address",
  },
  {
    name: "allow-origin",
    value: "ORIGINS",
    help: "pages of these may connect too, as https://lab.example,…: a proxy's or tunnel's address",
  },
  {
    name: "room-code",
    value: "CODE",
    help: "newcomers have to type it; random makes one, which the host page shows",
  },
  { name: "approve", help: "newcomers wait until the host lets them in" },
  { name: "require-origin", help: "refuse programs, which name no origin as browsers do" },
  {
    name: "drain",
    value: "SECONDS",
    help: "how long an open round may go on when this is asked to end (0)",
  },
  {
    name: "log-format",
    value: "FORMAT",
    help: "text or json: a JSON object a line, as pino writes them (text)",
  },
  { name: "trust-proxy", help: "believe the proxy in front about who connects (x-forwarded-for)" },
  { name: "out", value: "DIR", help: "run folder (runs/ and the time)" },
  { name: "resume", help: "continue the run that --out or --postgres holds, with its own settings" },
  {
    name: "resume-from-previous",
    help: "the same for a damaged folder, from its last good checkpoint: what came after it is given up",
  },
  ...DATABASE_FLAGS,
  ...CLUSTER_FLAGS,
  ...RUN_FLAGS,
  HUB_FLAG,
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop serve: open a run that anyone with a browser can join.

Usage: fedlodrop serve [flags]

${describeFlags(SERVE_FLAGS)}

${RUN_FLAGS_NOTE}

FEDLODROP_HOST_KEY sets the host key (16 characters or more); without it one is made up. /healthz, /readyz and, with the
host key, /metrics tell an operator how it goes; /api says what else there is.

The run folder gets config.json, metrics.jsonl, report.json and the adapter. A run that was interrupted goes on from its
last round with: fedlodrop serve --resume --out DIR
`;

/** Resolves when the coordinator has been interrupted and its results are stored. */
export async function serve(args: readonly string[]): Promise<void> {
  const given = parseFlags(args, SERVE_FLAGS);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const resume = given.has("resume-from-previous") ? "from previous" : given.has("resume");
  const say = openLog(oneOf(given, "log-format", ["text", "json"]) ?? "text");
  const drainSeconds = wholeNumber(given, "drain", 0) ?? 0;
  const database = databaseOf(given);
  if (resume && !given.has("out") && database === undefined)
    throw new UsageError("--resume needs --out, the folder of the run, or --postgres");
  const task = (given.get("task") as string | undefined) ?? DEFAULT_RUN_CONFIG.task;
  const model = (given.get("model") as string | undefined) ?? DEFAULT_RUN_CONFIG.model;
  const config = runConfigFromFlags(given, {
    quorum: SERVE_QUORUM,
    ...(await taskDefaults(task)),
    ...modelDefaults(model),
    ...(!tellsOfRun(given) && DEMONSTRATION),
  });
  const out =
    (given.get("out") as string | undefined) ?? `runs/${new Date().toISOString().replaceAll(":", "-")}`;
  const wantedName = given.get("mdns");
  const name = typeof wantedName === "string" ? readAnnouncedName(wantedName) : null;
  const tls = await readTls(given, name);
  const publicUrl = readPublicUrl(given.get("public-url") as string | undefined);
  const asked = askedToEnd();
  const listening = {
    port: wholeNumber(given, "port", 0) ?? DEFAULT_PORT,
    host: readHost((given.get("host") as string | undefined) ?? "0.0.0.0"),
    basePath: readBasePath(given.get("base-path") as string | undefined),
    origins: {
      allowed: [...readOrigins(given), ...(publicUrl ? [new URL(publicUrl).origin] : [])],
      required: given.has("require-origin"),
    },
    trustProxy: given.has("trust-proxy"),
    ...(tls && { tls }),
    ...(publicUrl && { publicUrl }),
    suitsRate: !given.has("dropout"),
    say,
  };
  const cluster = clusterOf(given, database);
  if (cluster?.role === "owner" && tls)
    throw new UsageError("--https is for gateways: they alone reach the owner, over http");
  const gateway =
    cluster && database && cluster.role !== "owner"
      ? startGateway({ ...listening, database, redis: cluster.redis })
      : null;
  if (gateway && cluster?.role === "gateway") return serveGateway(gateway, asked, drainSeconds, say);
  const code = given.get("room-code");
  const starting = startFederation({
    ...listening,
    config,
    access: {
      ...(typeof code === "string" && { roomCode: readCode(code) }),
      ...(given.has("approve") && { approval: true }),
    },
    ...(database ? { database } : { out }),
    ...(cluster && { redis: cluster.redis }),
    // Devices come to the gateway; the owner's own port is for gateways.
    ...(gateway && database && { port: 0, tls: undefined, database: { ...database, standBy: true } }),
    resume,
    hub: hubOf(given),
  });
  const federation = await Promise.race([starting, asked, failureOf(gateway)]);
  if (federation === undefined) {
    // One that starts, or stands by, has nothing to store.
    await (await reached(gateway))?.close();
    return;
  }
  const announced = name === null ? null : await announceName(name).catch(endingFirst(federation));
  invite(shownAt(federation, await gateway), announced);
  say(`results go to ${database ? `PostgreSQL, run "${database.run}"` : out}; Ctrl-C ends`);
  if (tls && !given.has("cert")) say(warningInWords(tls));
  // At once: whatever it would still say is the other one's to say.
  const ousted = federation.ousted.then((sentence) => {
    throw new Error(sentence);
  });
  await Promise.race([asked, ousted]);
  await Promise.race([endWell(federation, announced, drainSeconds, say), ousted]);
  await (await gateway)?.close();
  const { storageProblem } = federation.coordinator;
  if (storageProblem !== null) throw new Error(storageProblem);
}

async function serveGateway(
  starting: Promise<GatewayProgram>,
  asked: Promise<unknown>,
  drainSeconds: number,
  say: (line: string) => void,
): Promise<void> {
  const gateway = await Promise.race([starting, asked.then(() => null)]);
  if (gateway === null) return;
  say(`gateway: devices join at ${gateway.joinUrl}; Ctrl-C ends`);
  await asked;
  if (drainSeconds > 0) await Promise.race([gateway.drain(drainSeconds), askedToEnd()]);
  await gateway.close();
}

/** Rejects when it cannot start. */
const failureOf = (gateway: Promise<unknown> | null): Promise<never> =>
  new Promise((_, reject) => {
    gateway?.catch(reject);
  });

/** Undefined for one that does not listen yet. */
const reached = (gateway: Promise<GatewayProgram> | null): Promise<GatewayProgram | undefined> =>
  Promise.race([gateway?.catch(() => undefined), setTimeout(0, undefined)]);

/** A run is shown at its gateways, where it has any. */
const shownAt = (federation: Federation, gateway: GatewayProgram | null): Federation =>
  gateway === null
    ? federation
    : {
        ...federation,
        url: gateway.url,
        joinUrl: gateway.joinUrl,
        hostUrl: `${gateway.url}host#key=${federation.hostKey}`,
      };

async function endWell(
  { coordinator, close }: Federation,
  announced: AnnouncedName | null,
  drainSeconds: number,
  say: (line: string) => void,
): Promise<void> {
  if (drainSeconds > 0) await Promise.race([coordinator.drain(drainSeconds), askedToEnd()]);
  say("storing the run …");
  await announced?.close();
  await close();
}

function readOrigins(given: GivenFlags): readonly string[] {
  const text = (given.get("allow-origin") as string | undefined) ?? "";
  try {
    return text.split(",").flatMap((one) => (one.trim() === "" ? [] : readOrigin(one.trim())));
  } catch (cause) {
    throw new UsageError(`--allow-origin: ${(cause as Error).message}`, { cause });
  }
}

const endingFirst =
  (federation: Federation) =>
  async (error: unknown): Promise<never> => {
    await federation.close();
    throw error;
  };

/** Null speaks http. */
async function readTls(given: GivenFlags, name: string | null): Promise<Certificate | null> {
  const [cert, key] = ["cert", "key"].map((name) => given.get(name) as string | undefined);
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError("--cert and --key belong together: give both or none");
  if (!given.has("https")) {
    if (cert !== undefined) throw new UsageError("--cert and --key are for --https; give that too");
    return null;
  }
  return cert === undefined || key === undefined
    ? ownCertificate(ownNames(name))
    : readCertificate(cert, key);
}

function readCode(text: string): string {
  try {
    return roomCode(text);
  } catch (cause) {
    throw new UsageError(`--room-code: ${(cause as Error).message}`, { cause });
  }
}

function invite({ url, joinUrl, hostUrl }: Federation, announced: AnnouncedName | null): void {
  const colored = process.stdout.isTTY && !process.env.NO_COLOR;
  const modules = renderUnicodeCompact(joinUrl, { border: 2 });
  // White on black whatever the terminal's colours are.
  const qr = colored ? modules.replaceAll(/^.*$/gm, "\u001b[97;40m$&\u001b[0m") : modules;
  const named = new URL(joinUrl);
  if (announced) named.hostname = announced.name;
  process.stdout.write(`
${qr}
  join   ${joinUrl}${announced ? `\n         ${named.href} by name, where devices know .local names` : ""}${joinUrl === url ? "" : `\n         ${url} on this machine, where browsers allow WebGPU`}
  host   ${hostUrl}

`);
}
