/** A gateway's line to whoever owns the run: found, lost and found again. */
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { LINE_VERSION, type ToOwner } from "./calls.ts";
import { BEAT_MS, CUT_OFF_MS, gatewayName, ownerName, SILENCE_MS } from "./gateways.ts";
import { type Line, LineBroken, openLine } from "./line.ts";
import type { Mail, Reading } from "./redis.ts";
import { createSilence } from "./silence.ts";

export interface OwnerLink {
  /** Waits while there is no owner. @throws `LineBroken` when it goes before it has answered */
  ask(question: unknown): Promise<unknown>;
  /** Nothing while there is no owner. */
  tell(message: unknown): void;
  readonly isUp: boolean;
  close(): void;
}

/** Of the next owner where the line is lost: whoever asks over HTTP has nothing else that ends. */
export async function askUntilAnswered(link: Pick<OwnerLink, "ask">, question: ToOwner): Promise<unknown> {
  for (;;)
    try {
      return await link.ask(question);
    } catch (error) {
      if (!(error instanceof LineBroken)) throw error;
    }
}

export interface OwnerLinkOptions {
  readonly mail: Pick<Mail, "send" | "read" | "newestFence" | "silentMs" | "forget">;
  asked(question: unknown): Promise<unknown>;
  told(message: unknown): void;
  /** There is an owner: what has to be done with it before anything else. A failure gives it up again. */
  connected(ask: (question: unknown) => Promise<unknown>): Promise<void>;
  /** All that was said over the line is over. */
  lost(why: string): void;
  log(line: string): void;
}

const LOOK_MS = 250;
const NOTHING = new Uint8Array(0);

export function openOwnerLink(options: OwnerLinkOptions): OwnerLink {
  const { mail, asked, told, connected, lost, log } = options;
  let closed = false;
  let fence = 0;
  let up: Line | null = null;
  let waiting: ((line: Line) => void)[] = [];

  /** Resolves with the reason when it is over. */
  function hold(): Promise<string> {
    // Another one each time that the line was lost.
    const own = randomBytes(6).toString("base64url");
    const stamp = { from: own, fence: `${fence}`, version: `${LINE_VERSION}` };
    return new Promise((resolve) => {
      let reading: Reading | null = null;
      const silence = createSilence();
      const line = openLine({
        send: (frame) => mail.send(ownerName(Number(stamp.fence)), stamp, frame),
        asked,
        told,
        broken(why) {
          reading?.close();
          clearInterval(beating);
          clearInterval(looking);
          const wasUp = up === line;
          if (wasUp) up = null;
          if (wasUp) lost(why);
          mail.send(ownerName(Number(stamp.fence)), { ...stamp, over: why }, NOTHING);
          resolve(why);
        },
      });
      const beating = setInterval(line.beat, BEAT_MS);
      // Whether Redis is away or only this process is cut off from it: its devices are better off at another gateway.
      const looking = setInterval(() => {
        if (mail.silentMs() <= CUT_OFF_MS) return;
        // What was asked over a line that is over must not be heard when Redis is back.
        mail.forget();
        line.end(`Redis has not answered for ${CUT_OFF_MS / 1000} s`);
      }, LOOK_MS);
      reading = mail.read(gatewayName(own), {
        received({ fields, frame }) {
          silence.heard();
          if (fields.over === undefined) line.receive(frame);
          else line.end(fields.over);
        },
        caughtUp() {
          if (silence.listened() > SILENCE_MS) line.end(`the owner was not heard for ${SILENCE_MS / 1000} s`);
        },
        away: silence.heard,
      });
      endLine = line.end;
      connected(line.ask).then(
        () => {
          if (line.isOver) return;
          up = line;
          for (const resume of waiting.splice(0)) resume(line);
        },
        (error: Error) => line.end(error.message),
      );
    });
  }
  let endLine: (why: string) => void = () => {};

  /** A line lasts until its owner is gone, or another one has taken over. */
  async function keepLooking(): Promise<void> {
    let told = "";
    const say = (line: string): void => {
      if (line !== told) log(line);
      told = line;
    };
    let holding: Promise<void> | null = null;
    while (!closed) {
      const newest = await mail.newestFence().catch(() => null);
      if (newest !== null && newest > fence) {
        endLine("another coordinator has taken the run over");
        await holding;
        fence = newest;
      }
      if (fence === 0) say("nobody owns the run yet; waiting …");
      else
        holding ??= hold().then((why) => {
          if (!closed) say(`the line to the run's owner is lost: ${why}; looking for one …`);
          holding = null;
        });
      await setTimeout(LOOK_MS);
    }
  }
  void keepLooking();

  const theLine = (): Promise<Line> =>
    up !== null ? Promise.resolve(up) : new Promise((resolve) => waiting.push(resolve));

  return {
    async ask(question) {
      return (await theLine()).ask(question);
    },
    tell: (message) => up?.tell(message),
    get isUp() {
      return up !== null;
    },
    close() {
      closed = true;
      endLine("the gateway is being closed");
      waiting = [];
    },
  };
}
