/** A run of this very machine, over real sockets and by real clocks: what figure 5 compares plans with. */
import { rm } from "node:fs/promises";
import { startNodeDevice } from "../node-device.ts";
import { type StartRunOptions, startRun } from "../start-run.ts";
import { readRecordedRun } from "./recorded-run.ts";

/** Two devices of one thread each, rates chosen live; nothing to do where `folder` has such a run.
 *  @throws when a round of it came to nothing */
export async function recordOwnRun(
  folder: string,
  settings: StartRunOptions & { readonly rounds: number },
  say: (line: string) => void,
): Promise<void> {
  if ((await faultOf(folder, settings.rounds)) === null) return;
  await rm(folder, { recursive: true, force: true });
  const run = await startRun({ method: "branch-and-bound", ...settings, pages: false, out: folder, say });
  const devices = Array.from({ length: settings.devices ?? 2 }, (_, k) =>
    startNodeDevice(run.url, { nickname: `device ${k + 1}`, threads: 1 }),
  );
  try {
    await Promise.all(devices.map(({ ready }) => ready));
    await run.host.command({ kind: "start" });
    await Promise.all(devices.map(({ ended }) => ended));
  } finally {
    await Promise.all(devices.map((device) => device.leave()));
    await run.stop();
  }
  const fault = await faultOf(folder, settings.rounds);
  if (fault !== null) throw new Error(`figure 5: the run in ${folder} is none: ${fault}; try again`);
}

/** Null of a run that counts: one that was cut off, or in which nobody's update came, leaves a report too. */
export async function faultOf(folder: string, rounds: number): Promise<string | null> {
  const run = await readRecordedRun(folder).catch(({ message }: Error) => message);
  if (typeof run === "string") return run;
  if (run.rounds.length < rounds) return `it has ${run.rounds.length}`;
  const empty = run.rounds.find(({ participants }) =>
    participants.every(({ outcome }) => outcome !== "aggregated"),
  );
  return empty === undefined ? null : `round ${empty.round} came to nothing`;
}
