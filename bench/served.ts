/** A `fedlodrop serve` of its own process, as benches kill it and take things away from it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RunReport } from "@fedlodrop/run";
import { LOOPBACK, type Premises } from "../apps/coordinator/src/daemon.fixture.ts";

export { freePort } from "../apps/coordinator/src/daemon.fixture.ts";

export interface Served {
  readonly process: ChildProcess;
  readonly url: string;
  readonly hostKey: string;
  /** All that it has said. */
  readonly output: () => string;
}

const COMMAND = fileURLToPath(new URL("../apps/cli/bin/fedlodrop.mjs", import.meta.url));

/** @param port 0 takes a free one. Throws when it does not start, with what it said. */
export const serve = (folder: string, port: number, flags: readonly string[]): Promise<Served> =>
  launch(port, ["--out", folder, ...flags]).listening();

export interface Launched {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Throws when it has ended before, or has not begun to listen in two minutes, with what it said. */
  listening(): Promise<Served>;
}

export function launch(
  port: number,
  flags: readonly string[],
  { host, inside }: Premises = LOOPBACK,
  command = COMMAND,
): Launched {
  const [program, ...args] = [
    ...[...inside, process.execPath, command],
    ...["serve", "--host", host, "--port", `${port}`, ...flags],
  ] as [string, ...string[]];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const listen = (text: Buffer): void => {
    said += text;
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const output = (): string => said;
  return {
    process: child,
    output,
    async listening() {
      const since = performance.now();
      for (;;) {
        const key = /#key=([\w-]+)/.exec(said)?.[1];
        const url = /join\s+(http:\S+)/.exec(said)?.[1];
        if (key && url) return { process: child, url, hostKey: key, output };
        if (hasEnded({ process: child }) || performance.now() - since > 120_000) {
          child.kill("SIGKILL");
          throw new Error(`serve did not start: ${said}`);
        }
        await pause(0.05);
      }
    },
  };
}

export const hasEnded = ({ process: { exitCode, signalCode } }: Pick<Served, "process">): boolean =>
  exitCode !== null || signalCode !== null;

/** Looks again and again. @throws when it has not come true in time */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  seconds = 120,
  everySeconds = 0.05,
): Promise<void> {
  for (const since = performance.now(); !(await isTrue()); await pause(everySeconds))
    if (performance.now() - since > 1000 * seconds) throw new Error(`not within ${seconds} s: ${what}`);
}

export const pause = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** Resolves with its exit code, null when the signal ended it. */
export async function end(
  served: Pick<Served, "process">,
  signal: "SIGKILL" | "SIGTERM",
): Promise<number | null> {
  const { process: child } = served;
  child.kill(signal);
  if (!hasEnded(served)) await once(child, "exit");
  return child.exitCode;
}

export async function report({ url, hostKey }: Served): Promise<RunReport> {
  const response = await fetch(new URL("/api/report", url), {
    headers: { authorization: `Bearer ${hostKey}` },
  });
  return (await response.json()) as RunReport;
}
