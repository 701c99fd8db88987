/** What benches of runs that are interrupted have in common: the run that nobody interrupts, and what was kept. */
import { join } from "node:path";
import { openDatabase } from "@fedlodrop/coordinator";
import { connectHost, type HostConnection } from "@fedlodrop/harness";
import type { RunReport } from "@fedlodrop/run";
import { joinAll } from "./returning-participant.ts";
import { end, pause, report, serve } from "./served.ts";

/** Of a run that repeats: everybody is waited for. */
export const settingsOf = (model: string, rounds: number): readonly string[] => [
  ...["--model", model, "--rank", "2", "--rounds", `${rounds}`, "--dropout", "0.3", "--seed", "7"],
  ...["--quorum", "1", "--deadline", "600"],
];

export async function startRun(host: HostConnection, participants: number): Promise<void> {
  await host.ready(participants, 120);
  await host.command({ kind: "start" });
}

/** In a folder of `work`, in one process, with nothing in its way. */
export async function uninterrupted(
  work: string,
  settings: readonly string[],
  participants: number,
  secondsOfWork: number,
): Promise<RunReport> {
  const served = await serve(join(work, "whole"), 0, settings);
  const undo: (() => unknown)[] = [() => end(served, "SIGKILL")];
  try {
    const all = await joinAll(served.url, participants, secondsOfWork);
    undo.push(() => {
      for (const one of all) one.close();
    });
    const host = await connectHost(served.url, served.hostKey);
    undo.push(() => host.close());
    await startRun(host, participants);
    await host.ended(3600);
    return await report(served);
  } finally {
    for (const each of undo.reverse()) await each();
  }
}

/** Seconds until an address answers again. */
export async function secondsUntilBack(url: string, path = "/healthz"): Promise<number> {
  const since = performance.now();
  for (;;) {
    const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(500) }).catch(() => null);
    if (answer?.ok) return (performance.now() - since) / 1000;
    await pause(0.02);
    if (performance.now() - since > 120_000) throw new Error("nobody has taken over in two minutes");
  }
}

export interface Receipts {
  readonly all: number;
  /** Rounds and participants they are of. */
  readonly different: number;
  /** Of all their updates. */
  readonly bytes: number;
}

export async function receiptsAt(address: string): Promise<Receipts> {
  const database = await openDatabase(address, "look");
  const { rows } = await database.transact((client) =>
    client.query(
      "SELECT count(*)::int AS all, count(DISTINCT (round, participant))::int AS different, coalesce(sum(bytes), 0)::float8 AS bytes FROM fedlodrop.receipts",
    ),
  );
  await database.close();
  return rows[0];
}
