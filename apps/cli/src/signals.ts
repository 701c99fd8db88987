/** How a command is asked to end. */
import { readFileSync } from "node:fs";

const WATCH_INTERVAL_MS = 500;

/** Resolves on Ctrl-C or a request to end. */
export function askedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve());
  });
}

/**
 * Ends this process like SIGTERM when the npm that started it has gone: npm and npx end their shell on a signal, and the
 * shell tells nobody. Without npm nothing is watched, since whoever starts a command in the background may leave.
 */
export function endWithNpm(environment: NodeJS.ProcessEnv = process.env): void {
  if (environment.npm_lifecycle_event === undefined && environment.npm_command === undefined) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const watch = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, WATCH_INTERVAL_MS);
  watch.unref();
}

/** Null where the system does not tell. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}
