/**
 * Calls into a worker thread and their answers. A thread's module calls `answerCalls` with its functions; the other
 * side calls `startThread` with the same type. Calls are carried out one after another.
 */
import { parentPort } from "node:worker_threads";
import { startWorker } from "./start-worker.ts";

/** Functions of one argument, by name. */
type Calls = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer =
  | { readonly id: number; readonly kind: "value"; readonly value: unknown }
  | { readonly id: number; readonly kind: "error"; readonly error: Error };

export interface Thread<C extends Calls> {
  call<N extends keyof C & string>(name: N, argument: Parameters<C[N]>[0]): ReturnType<C[N]>;
  close(): Promise<void>;
}

/** @param module URL of a module that calls `answerCalls`. */
export function startThread<C extends Calls>(module: URL): Thread<C> {
  const worker = startWorker(module);
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let calls = 0;
  let failure: Error | null = null;

  worker.on("message", (answer: Answer) => {
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if (answer.kind === "value") call?.resolve(answer.value as never);
    else call?.reject(answer.error);
  });
  const fail = (error: Error): void => {
    failure = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("error", fail);
  worker.on("exit", () => fail(new Error("the worker thread has ended")));
  // Only a call keeps the process alive, not a thread that waits for one.
  worker.unref();

  return {
    call(name, argument) {
      const id = calls++;
      return new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure);
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, name, argument } satisfies Call);
      }) as ReturnType<C[typeof name]>;
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** The thread's side. */
export function answerCalls(calls: Calls): void {
  let queue: Promise<void> = Promise.resolve();
  parentPort?.on("message", ({ id, name, argument }: Call) => {
    queue = queue.then(async () => {
      try {
        const value = await calls[name]?.(argument as never);
        parentPort?.postMessage({ id, kind: "value", value } satisfies Answer);
      } catch (error) {
        parentPort?.postMessage({ id, kind: "error", error: error as Error } satisfies Answer);
      }
    });
  });
}
