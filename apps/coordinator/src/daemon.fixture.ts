/** A server of the distribution's packages, killed and started again as often as a test likes. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

/** Where a server runs: what it listens to, and what its command begins with. */
export interface Premises {
  readonly host: string;
  readonly inside: readonly string[];
}

export const LOOPBACK: Premises = { host: "127.0.0.1", inside: [] };

export interface Daemon {
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** Resolves when it is gone. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface DaemonOptions {
  readonly name: string;
  /** With its error output in a pipe. */
  spawn(): ChildProcess;
  answers(): Promise<boolean>;
}

const LOOK_MS = 100;
const START_MS = 60_000;
/** One that is there and says nothing. */
const ANSWER_MS = 5_000;

export function createDaemon({ name, spawn, answers }: DaemonOptions): Daemon {
  let server: ChildProcess | null = null;
  let said = "";

  function begin(): void {
    said = "";
    server = spawn();
    server.stderr?.on("data", (text: Buffer) => {
      said += text;
    });
  }

  const answersInTime = (): Promise<boolean> =>
    Promise.race([answers(), setTimeout(ANSWER_MS, false, { ref: false })]);

  const isOver = (): boolean => server === null || server.exitCode !== null || server.signalCode !== null;

  return {
    async start() {
      begin();
      for (const since = performance.now(); !(await answersInTime()); await setTimeout(LOOK_MS)) {
        if (performance.now() - since > START_MS)
          throw new Error(`${name} did not start within a minute: ${said.slice(-2000)}`);
        // What a killed one has left behind may still be in use for a moment.
        if (isOver()) begin();
      }
    },
    async stop(signal) {
      if (isOver()) return;
      const gone = once(server as ChildProcess, "exit");
      server?.kill(signal);
      await gone;
    },
  };
}

export async function freePort(host = LOOPBACK.host): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, host), "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
