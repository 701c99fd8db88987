/** The documents' commands of fedlodrop, typed by a stranger: tools/docs/executions.ts says which, and what for. */
import { once } from "node:events";
import { cp, mkdir } from "node:fs/promises";
import { get as getSecurely } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { connectHost } from "@fedlodrop/harness";
import { EXECUTIONS, type Execution } from "../docs/executions.ts";
import { command, whileRunning } from "./commands.ts";
import { ROOT } from "./packages.ts";

/** Of the runs that are served here. */
const HOST_KEY = "the-key-of-a-rehearsal";
/** What `serve` and `replay` say when they have printed their address. */
const LISTENS = /Ctrl-C ends/;

/** @param folder has fedlodrop installed @throws what the first that fails has said */
export async function typeDocumented(folder: string, say: (line: string) => void): Promise<void> {
  const desk = join(folder, "documented");
  await mkdir(desk);
  // Nothing of the person at this machine.
  process.env.FEDLODROP_CACHE = join(desk, "cache");
  process.env.FEDLODROP_HOST_KEY = HOST_KEY;
  await cp(join(ROOT, "apps/cli/fixtures/solved-instances.json"), join(desk, "instance.json"));
  const fedlodrop = join(folder, "node_modules/.bin/fedlodrop");
  for (const execution of EXECUTIONS) {
    const { kind, documented, typed = documented } = execution;
    const began = performance.now();
    const [, ...args] = typed.split(" ");
    if (args.includes("cert.pem")) await cp(join(desk, "cache/https"), desk, { recursive: true });
    await BY_KIND[kind](desk, fedlodrop, args);
    say(`${typed}: ${kind}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
}

type Act = (desk: string, fedlodrop: string, args: readonly string[]) => Promise<void>;

const BY_KIND: Readonly<Record<Execution["kind"], Act>> = {
  async ends(desk, fedlodrop, args) {
    const { stdout, stderr } = await command(desk, fedlodrop, ...args);
    if (stdout === "" && stderr === "") throw new Error(`${args.join(" ")}: expected a word, got none`);
  },
  async serves(desk, fedlodrop, args) {
    await serving(desk, fedlodrop, args, async (url) => {
      const paths = args[0] === "serve" ? ["", "host", "readyz"] : [""];
      for (const path of paths) await expectFound(new URL(path, url));
    });
  },
  async joins(desk, fedlodrop, args) {
    const isSecure = args.includes("SECURE-COORDINATOR");
    const run = ["serve", "--rounds", "2", ...(isSecure ? ["--https"] : [])];
    if (isSecure) process.env.NODE_EXTRA_CA_CERTS = join(desk, "cache/https/cert.pem");
    await serving(desk, fedlodrop, run, async (url) => {
      const line = args.map((arg) => (arg.endsWith("COORDINATOR") ? url : arg));
      // This process has begun without the certificate, and cannot be a host there.
      if (isSecure) await whileRunning(desk, [fedlodrop, ...line], /: ready: /, async () => {});
      else await Promise.all([command(desk, fedlodrop, ...line), hostOf(url)]);
    });
    delete process.env.NODE_EXTRA_CA_CERTS;
  },
};

/** Starts the run when somebody is there, and waits for its end. */
async function hostOf(url: string): Promise<void> {
  const host = await connectHost(url, HOST_KEY);
  await host.ready(1);
  await host.command({ kind: "start" });
  const { rounds } = await host.ended();
  host.close();
  const outcomes = rounds.flatMap(({ participants }) => participants.map(({ outcome }) => outcome));
  if (outcomes.length === 0 || outcomes.some((outcome) => outcome !== "aggregated"))
    throw new Error(`join: expected every round to aggregate its update, got ${outcomes.join(", ")}`);
}

async function serving(
  desk: string,
  fedlodrop: string,
  args: readonly string[],
  use: (url: string) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const url = `${args.includes("--https") ? "https" : "http"}://localhost:${port}/`;
  await whileRunning(desk, [fedlodrop, ...args, "--port", String(port)], LISTENS, () => use(url));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function expectFound(url: URL): Promise<void> {
  const status = url.protocol === "http:" ? (await fetch(url)).status : await secureStatus(url);
  if (status !== 200) throw new Error(`${url}: expected HTTP 200, got ${status}`);
}

/** Of a coordinator with a certificate that nobody vouches for. */
async function secureStatus(url: URL): Promise<number | undefined> {
  const [response] = await once(getSecurely(url, { rejectUnauthorized: false }), "response");
  response.resume();
  return response.statusCode;
}
