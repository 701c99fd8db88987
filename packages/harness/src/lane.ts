/** One direction of a link: bytes leave one after another at the link's rate, and arrive a while later. */
import type { Socket } from "node:net";

export interface LinkConditions {
  /** One way; a round trip takes twice as long. */
  readonly delaySeconds?: number;
  readonly bytesPerSecond?: number;
  /** Now and then a packet is lost, and everything behind it waits until it has been sent again. */
  readonly loss?: {
    /** Of a packet of 1460 bytes. */
    readonly probability: number;
    /** Until it is sent again: at least a round trip. */
    readonly seconds: number;
    /** Uniform on [0, 1). */
    readonly random: () => number;
  };
}

export interface Lane {
  shape(conditions: LinkConditions): void;
  /** Carries what `from` receives to `to`, its end included. */
  carry(from: Socket, to: Socket): void;
}

const PACKET_BYTES = 1460;
/** Waiting to leave; a sender beyond is held up, as by a full buffer of the link. */
const LARGEST_QUEUE_BYTES = 64 * 1024;

export function openLane(): Lane {
  let conditions: LinkConditions = {};
  /** When the link has sent all it has been given, in milliseconds of `performance.now()`. */
  let freeAtMs = 0;

  /** When a packet that is given now has left. */
  function leave(bytes: number): number {
    const { bytesPerSecond = Number.POSITIVE_INFINITY, loss } = conditions;
    freeAtMs = Math.max(freeAtMs, performance.now()) + (1000 * bytes) / bytesPerSecond;
    if (loss && loss.random() < loss.probability) freeAtMs += 1000 * loss.seconds;
    return freeAtMs;
  }

  return {
    shape(given) {
      conditions = given;
    },
    carry(from, to) {
      const leaving = openSchedule();
      const arriving = openSchedule();
      const delayMs = (): number => 1000 * (conditions.delaySeconds ?? 0);
      let waitingBytes = 0;
      const goOn = (): void => {
        if (waitingBytes < LARGEST_QUEUE_BYTES && !to.writableNeedDrain) from.resume();
      };
      from.on("data", (data: Buffer) => {
        for (let offset = 0; offset < data.byteLength; offset += PACKET_BYTES) {
          const packet = data.subarray(offset, offset + PACKET_BYTES);
          const leftMs = leave(packet.byteLength);
          waitingBytes += packet.byteLength;
          leaving.at(leftMs, () => {
            waitingBytes -= packet.byteLength;
            goOn();
          });
          arriving.at(leftMs + delayMs(), () => {
            if (!to.destroyed && !to.write(packet)) from.pause();
          });
        }
        if (waitingBytes >= LARGEST_QUEUE_BYTES) from.pause();
      });
      to.on("drain", goOn);
      from.on("end", () => arriving.at(Math.max(freeAtMs, performance.now()) + delayMs(), () => to.end()));
    },
  };
}

interface Schedule {
  at(timeMs: number, call: () => void): void;
}

/** Calls one after another, each at its time or when those before it have been called: bytes must not overtake. */
function openSchedule(): Schedule {
  const calls: { readonly timeMs: number; readonly call: () => void }[] = [];
  let timer: NodeJS.Timeout | null = null;
  const run = (): void => {
    timer = null;
    for (let next = calls[0]; next; next = calls[0]) {
      const waitMs = next.timeMs - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(run, waitMs);
        return;
      }
      calls.shift();
      next.call();
    }
  };
  return {
    at(timeMs, call) {
      calls.push({ timeMs, call });
      if (timer === null && calls.length === 1) run();
    },
  };
}
