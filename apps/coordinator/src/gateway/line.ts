/**
 * A line between two processes: questions with answers, and messages, each once and in their order. What carries its
 * frames may repeat them, and lose some when it fails; a line that has lost one is broken, and both begin a new one. So
 * nobody has to ask twice, and nothing happens twice.
 */
import { pack, unpack } from "./packed.ts";

export interface Line {
  /** @throws `LineBroken` when no answer can come any more, or what the other one has thrown */
  ask(question: unknown): Promise<unknown>;
  tell(message: unknown): void;
  receive(frame: Uint8Array): void;
  /** Says that it is there, and by the number of this frame whether anything was lost. */
  beat(): void;
  end(why: string): void;
  readonly isOver: boolean;
}

export interface LineOptions {
  send(frame: Uint8Array): void;
  asked(question: unknown): Promise<unknown>;
  told(message: unknown): void;
  /** Told once. */
  broken(why: string): void;
}

export class LineBroken extends Error {}

type Part =
  | { readonly kind: "ask"; readonly id: number; readonly body: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly body: unknown }
  | { readonly kind: "fault"; readonly id: number; readonly message: string }
  | { readonly kind: "tell"; readonly body: unknown };

interface Frame {
  readonly number: number;
  readonly parts: readonly Part[];
}

export function openLine({ send, asked, told, broken }: LineOptions): Line {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let sent = 0;
  let received = 0;
  let asking = 0;
  let over: string | null = null;
  let parts: Part[] = [];

  function flush(): void {
    if (over !== null) return;
    sent += 1;
    send(pack({ number: sent, parts } satisfies Frame));
    parts = [];
  }

  /** What is said in one turn of the event loop goes together. */
  function say(part: Part): void {
    if (parts.length === 0) setImmediate(() => parts.length > 0 && flush());
    parts.push(part);
  }

  function end(why: string): void {
    if (over !== null) return;
    if (parts.length > 0) flush(); // what was said before is still heard
    over = why;
    for (const { reject } of waiting.values()) reject(new LineBroken(why));
    waiting.clear();
    broken(why);
  }

  function hear(part: Part): void {
    switch (part.kind) {
      case "ask": {
        const { id } = part;
        asked(part.body).then(
          (body) => say({ kind: "answer", id, body }),
          (error: Error) => say({ kind: "fault", id, message: error.message }),
        );
        return;
      }
      case "answer":
        waiting.get(part.id)?.resolve(part.body);
        waiting.delete(part.id);
        return;
      case "fault":
        waiting.get(part.id)?.reject(new Error(part.message));
        waiting.delete(part.id);
        return;
      case "tell":
        told(part.body);
        return;
      default:
        part satisfies never;
    }
  }

  return {
    ask(body) {
      if (over !== null) return Promise.reject(new LineBroken(over));
      asking += 1;
      const id = asking;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        say({ kind: "ask", id, body });
      });
    },
    tell: (body) => say({ kind: "tell", body }),
    receive(bytes) {
      if (over !== null) return;
      const frame = unpack(bytes) as Frame;
      if (frame.number <= received) return; // told again
      if (frame.number !== received + 1)
        return end(`frames ${received + 1} to ${frame.number - 1} were lost on the way`);
      received = frame.number;
      for (const part of frame.parts) hear(part);
    },
    beat: flush,
    end,
    get isOver() {
      return over !== null;
    },
  };
}
