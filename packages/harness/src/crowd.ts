/**
 * A crowd: scripted participants by the thousand, who take what each round gives them and send honest zeros back at once.
 * It tries a coordinator's numbers, not a model's learning.
 */
import { bytesPerValue, encodeSparseValues, SPARSE_HEADER_BYTES } from "@fedlodrop/protocol";
import { joinScripted, type ScriptedParticipant } from "./scripted-participant.ts";

export interface CrowdOptions {
  /** The coordinator's, whose run has places for all of them. */
  readonly url: string;
  readonly count: number;
  readonly code?: string;
  /** How many join at a time; 50 by default. */
  readonly atATime?: number;
  /** Seconds that participant k, counted from 0, takes to train; none by default. */
  readonly trainingSeconds?: (index: number) => number;
}

export interface Crowd {
  readonly participants: readonly ScriptedParticipant[];
  /** Updates that were accepted so far, and refusals by reason. */
  readonly accepted: number;
  readonly refused: ReadonlyMap<string, number>;
  /** Everybody leaves without a word. */
  close(): void;
}

/** Resolves when all have joined and said that they are ready. */
export async function joinCrowd(options: CrowdOptions): Promise<Crowd> {
  const { url, count, code, atATime = 50, trainingSeconds = () => 0 } = options;
  const participants: ScriptedParticipant[] = [];
  const refused = new Map<string, number>();
  let accepted = 0;
  let isOver = false;

  async function takePart(participant: ScriptedParticipant, index: number): Promise<void> {
    const { valueType } = participant.identity.run.config;
    while (!isOver) {
      const { round } = await participant.nextRound(86_400);
      const given = await participant.download(round);
      if (!(given instanceof Uint8Array)) {
        refuse(given.reason);
        continue;
      }
      const values = (given.byteLength - SPARSE_HEADER_BYTES) / bytesPerValue(valueType);
      const seconds = trainingSeconds(index);
      if (seconds > 0) await new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
      const reply = await participant.upload(
        round,
        encodeSparseValues(new Float32Array(values), round, valueType),
      );
      if (reply.kind === "accepted") accepted += 1;
      else refuse(reply.reason);
    }
  }
  const refuse = (reason: string): void => {
    refused.set(reason, (refused.get(reason) ?? 0) + 1);
  };

  for (let first = 0; first < count; first += atATime) {
    const indices = Array.from({ length: Math.min(atATime, count - first) }, (_, k) => first + k);
    const joined = await Promise.all(indices.map((index) => joinScripted(url, `crowd ${index + 1}`, code)));
    participants.push(...joined);
    await Promise.all(joined.map((participant) => participant.ready()));
    for (const [k, participant] of joined.entries())
      takePart(participant, first + k).catch(() => {
        if (!isOver) refuse("connection lost");
      });
  }
  return {
    participants,
    get accepted() {
      return accepted;
    },
    refused,
    close() {
      isOver = true;
      for (const participant of participants) participant.close();
    },
  };
}
