/** WebKitGTK, which has Safari's engine, by its own driver and classic WebDriver: https://www.w3.org/TR/webdriver2/ */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { installed, type RemoteBrowser } from "./remote-browser.ts";

const DRIVER = "/usr/bin/WebKitWebDriver";
const LIBRARY = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4";

export interface WebKitPrograms {
  readonly driver: string;
  readonly browser: string;
  /** A display for a machine without one; null where there is one. */
  readonly display: string | null;
}

/** Null where one of them is missing. */
export function findWebKit(): WebKitPrograms | null {
  const driver = installed(DRIVER);
  const browser = installed(...["1", "0"].map((version) => `${LIBRARY}.${version}/MiniBrowser`));
  const display = process.env.DISPLAY ? null : installed("/usr/bin/Xvfb");
  return driver === null || browser === null || (!process.env.DISPLAY && display === null)
    ? null
    : { driver, browser, display };
}

export async function launchWebKit({ driver, browser, display }: WebKitPrograms): Promise<RemoteBrowser> {
  const children: ChildProcess[] = [];
  const end = async (): Promise<void> => {
    for (const child of children.reverse()) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
    }
  };
  try {
    const port = await freePort();
    const shown = display === null ? process.env.DISPLAY : await startDisplay(display, children);
    const program = spawn(driver, [`--port=${port}`], {
      stdio: "ignore",
      // Its sandbox wants rights that containers do not have, and its renderer a GPU.
      env: {
        ...process.env,
        DISPLAY: shown,
        WEBKIT_FORCE_SANDBOX: "0",
        WEBKIT_DISABLE_COMPOSITING_MODE: "1",
        LIBGL_ALWAYS_SOFTWARE: "1",
      },
    });
    children.push(program);
    const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
      const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
      if (!response.ok) throw new Error(`webkit: ${value.error}: ${value.message}`);
      return value;
    };
    await answering(port);
    const { sessionId } = await call<{ sessionId: string }>("POST", "/session", {
      capabilities: {
        alwaysMatch: { "webkitgtk:browserOptions": { binary: browser, args: ["--automation"] } },
      },
    });
    const at = (path: string): string => `/session/${sessionId}${path}`;
    return {
      async open(url) {
        const { handle } = await call<{ handle: string }>("POST", at("/window/new"), { type: "tab" });
        await call("POST", at("/window"), { handle });
        await call("POST", at("/url"), { url });
        return {
          async evaluate<T>(expression: string) {
            await call("POST", at("/window"), { handle });
            const script = `const done = arguments[0];
              (async () => JSON.stringify(await (${expression})))().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
            const answer = await call<{ value?: string; error?: string }>("POST", at("/execute/async"), {
              script,
              args: [],
            });
            if (answer.error !== undefined) throw new Error(answer.error);
            return JSON.parse(answer.value ?? "null") as T;
          },
        };
      },
      async close() {
        await call("DELETE", at("")).catch(() => {});
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Lets the display choose its number; gives it. */
async function startDisplay(program: string, children: ChildProcess[]): Promise<string> {
  const child = spawn(program, ["-displayfd", "3", "-screen", "0", "1280x800x24"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  children.push(child);
  const [chunk] = (await once(child.stdio[3] as NodeJS.ReadableStream, "data")) as [Buffer];
  return `:${String(chunk).trim()}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/status`).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`webkit: its driver does not answer at port ${port}`);
}
