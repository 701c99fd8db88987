/**
 * Firefox by WebDriver BiDi, which it speaks itself: https://w3c.github.io/webdriver-bidi/
 *
 * Every question has a session of its own. While there is one, Firefox listens to its workers' debuggers, and a worker that starts
 * another then stands still about once in a hundred times (153 ESR); without a session it did not in 12,000.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { installed, type RemoteBrowser } from "./remote-browser.ts";

export const findFirefox = (): string | null =>
  process.env.FEDLODROP_FIREFOX ?? installed("/usr/bin/firefox-esr", "/usr/bin/firefox");

const START_SECONDS = 60;

export async function launchFirefox(program: string): Promise<RemoteBrowser> {
  const profile = await mkdtemp(join(tmpdir(), "fedlodrop-firefox-"));
  const child = spawn(
    program,
    ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
    },
  );
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "close");
    await rm(profile, { recursive: true, force: true });
  };
  try {
    const address = `${await listening(child)}/session`;
    return {
      async open(url) {
        const place = await session(address, async (send) => {
          const { context } = await send<{ context: string }>("browsingContext.create", { type: "tab" });
          await send("browsingContext.navigate", { context, url, wait: "interactive" });
          return (await pages(send)).indexOf(context);
        });
        return {
          evaluate: <T>(expression: string): Promise<T> =>
            session(address, async (send) => {
              const answer = await send<Evaluated>("script.evaluate", {
                expression: `(async () => JSON.stringify(await (${expression})))()`,
                target: { context: (await pages(send))[place] },
                awaitPromise: true,
              });
              if (answer.type === "exception") throw new Error(answer.exceptionDetails.text);
              return JSON.parse(answer.result.value ?? "null") as T;
            }),
        };
      },
      close: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

type Evaluated =
  | { readonly type: "success"; readonly result: { readonly value?: string } }
  | { readonly type: "exception"; readonly exceptionDetails: { readonly text: string } };

/** The address that it prints once it listens. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(
      () => reject(new Error(`firefox: not listening within ${START_SECONDS} s: ${said}`)),
      START_SECONDS * 1000,
    );
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const address = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.once("close", () => reject(new Error(`firefox ended: ${said}`)));
  });
}

type Send = <T = unknown>(method: string, params: object) => Promise<T>;

/** Tabs by the order in which they were opened; every session has names of its own for them. */
async function pages(send: Send): Promise<readonly string[]> {
  const tree = await send<{ contexts: readonly { context: string }[] }>("browsingContext.getTree", {
    maxDepth: 0,
  });
  return tree.contexts.map(({ context }) => context);
}

async function session<T>(address: string, work: (send: Send) => Promise<T>): Promise<T> {
  const socket = new WebSocket(address);
  await once(socket, "open");
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let count = 0;
  socket.on("message", (data) => {
    const message = JSON.parse(String(data)) as {
      readonly id?: number;
      readonly result?: unknown;
      readonly error?: string;
      readonly message?: string;
    };
    const call = message.id === undefined ? undefined : waiting.get(message.id);
    if (message.error === undefined) call?.resolve(message.result);
    else call?.reject(new Error(`firefox: ${message.error}: ${message.message}`));
  });
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("firefox: the connection is closed"));
  });
  const send: Send = (method, params) => {
    const id = ++count;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  };
  await send("session.new", { capabilities: {} });
  try {
    return await work(send);
  } finally {
    await send("session.end", {});
    socket.close();
  }
}
