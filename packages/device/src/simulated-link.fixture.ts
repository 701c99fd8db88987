/** A link of numbers: the sender over it event by event, with no timers, no sockets and nothing by chance. */
import { type LinkReading, openSendWindow } from "./send-window.ts";

export interface SimulatedLink {
  readonly bytesPerSecond: number;
  readonly roundTripSeconds: number;
  /** A TCP connection's first window, doubling each round trip; absent sends all at once. */
  readonly slowStartBytes?: number;
  /** Seconds that the answer to chunk k is late by. */
  readonly late?: (chunk: number) => number;
  /** Times at which the sender's own loop stands still. */
  readonly stalls?: readonly { readonly at: number; readonly seconds: number }[];
}

/** Sends `totalBytes` and returns what was read, with the seconds that it took. */
export function send(
  link: SimulatedLink,
  totalBytes: number,
  pace: number | null,
): LinkReading & { seconds: number } {
  const {
    roundTripSeconds,
    bytesPerSecond,
    slowStartBytes = Number.POSITIVE_INFINITY,
    late = () => 0,
  } = link;
  const sender = openSendWindow({
    from: 0,
    totalBytes,
    paceBytesPerSecond: pace,
    roundTripSeconds,
    startedAt: 0,
  });
  const answers: { at: number; received: number }[] = [];
  const stalls = [...(link.stalls ?? [])];
  let now = 0;
  let linkFreeAt = 0;
  let count = 0;
  for (;;) {
    const stall = stalls[0];
    if (stall && now >= stall.at) {
      now += stall.seconds;
      stalls.shift();
    }
    for (; answers[0] && answers[0].at <= now; answers.shift())
      sender.acknowledged(answers[0].received, answers[0].at);
    const step = sender.next(now);
    if (step.kind === "done") return { ...sender.reading(), seconds: now };
    const answerAt = answers[0]?.at ?? Number.POSITIVE_INFINITY;
    if (step.kind === "send") {
      sender.sent(now);
      // Slow start: byte b cannot be on its way before the round trips in which b bytes have been allowed.
      const trips = Math.floor(Math.log2((step.offset + step.bytes) / slowStartBytes + 1));
      const allowedAt = Math.max(now, trips > 0 ? trips * roundTripSeconds : 0);
      linkFreeAt = Math.max(linkFreeAt, allowedAt) + step.bytes / bytesPerSecond;
      answers.push({
        at: linkFreeAt + roundTripSeconds + late(count),
        received: step.offset + step.bytes,
      });
      answers.sort((a, b) => a.at - b.at);
      count += 1;
    } else now = step.kind === "wait" ? Math.min(now + step.seconds, answerAt) : answerAt;
  }
}
