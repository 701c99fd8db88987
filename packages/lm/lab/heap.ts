/** How much JavaScript keeps in a page's worker, asked over the browser's debugging protocol. */
import type { CDPSession, Page } from "playwright-core";

/** JSON-RPC to the page's one worker. */
interface WorkerDebugger {
  send<T>(method: string): Promise<T>;
}

export async function debugWorker(page: Page): Promise<WorkerDebugger> {
  const session = await page.context().newCDPSession(page);
  const attached = new Promise<string>((resolve) => {
    session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type === "worker") resolve(sessionId);
    });
  });
  // Not flat, whose sessions Playwright keeps to itself.
  await session.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  return { send: (method) => ask(session, attached, method) };
}

let asked = 0;

async function ask<T>(session: CDPSession, attached: Promise<string>, method: string): Promise<T> {
  const id = ++asked;
  const sessionId = await attached;
  return new Promise((resolve, reject) => {
    const hear = ({ message }: { readonly message: string }): void => {
      const answer = JSON.parse(message) as { id?: number; result: T; error?: { message: string } };
      if (answer.id !== id) return;
      session.off("Target.receivedMessageFromTarget", hear);
      if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
      else resolve(answer.result);
    };
    session.on("Target.receivedMessageFromTarget", hear);
    session
      .send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) })
      .catch(reject);
  });
}

/** Bytes of objects after a collection, and of the buffers they own. */
export async function heapBytes(worker: WorkerDebugger): Promise<number> {
  await worker.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await worker.send<{
    usedSize: number;
    backingStorageSize?: number;
  }>("Runtime.getHeapUsage");
  return usedSize + backingStorageSize;
}
