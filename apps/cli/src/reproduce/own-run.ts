/** A run of this very machine, over real sockets and by real clocks: what figure 5 compares plans with. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { startNodeDevice } from "../node-device.ts";
import { type StartRunOptions, startRun } from "../start-run.ts";

/** Two devices of one thread each, rates chosen live. */
export async function recordOwnRun(
  folder: string,
  settings: StartRunOptions,
  say: (line: string) => void,
): Promise<void> {
  const known = await stat(join(folder, "report.json")).catch(() => null);
  if (known !== null) return;
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
}
