/** Commands of a rehearsal: run to their end, or until they have said what is waited for. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws with all that it said when it ends with another code than 0 */
export async function command(cwd: string, name: string, ...args: readonly string[]): Promise<Finished> {
  const child = spawn(name, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: environment() });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.stderr += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0)
    throw new Error(`${[name, ...args].join(" ")} ended with ${code}:\n${said.stdout}${said.stderr}`);
  return said;
}

/** Starts a command, gives `use` what of its output matches, ends it and expects that it ends well. */
export async function whileRunning(
  cwd: string,
  line: readonly [name: string, ...args: string[]],
  pattern: RegExp,
  use: (match: string) => Promise<void>,
): Promise<void> {
  const [name, ...args] = line;
  const child = spawn(name, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: environment() });
  const ended = once(child, "close");
  let said = "";
  const found = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const match = pattern.exec(said)?.[0];
        if (match !== undefined) resolve(match);
      });
    ended.then(() => reject(new Error(`${line.join(" ")} ended before it said ${pattern}:\n${said}`)));
  });
  try {
    await use(await found);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
  if (child.exitCode !== 0) throw new Error(`${line.join(" ")} ended with ${child.exitCode}:\n${said}`);
}

/**
 * Without what npm tells the scripts it runs, but for its settings' file, and without NODE_ENV, which building the pages sets in
 * this process and which keeps npm from installing what is for development: the folder is a stranger's.
 */
function environment(): NodeJS.ProcessEnv {
  const given = Object.entries(process.env).filter(
    ([name]) => name === "npm_config_userconfig" || !/^(npm_|INIT_CWD|NODE_ENV)/i.test(name),
  );
  return { ...Object.fromEntries(given), NO_COLOR: "1" };
}
