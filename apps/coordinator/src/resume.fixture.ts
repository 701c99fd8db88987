/** People who take part in a run that is killed and started again, and come back as browsers do. */
import type { Joined, RoundStart } from "@fedlodrop/protocol";
import { PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { connect, device, participateAs } from "./app.fixture.ts";

export interface Person {
  readonly nickname: string;
  readonly sampleCount: number;
  /** Comes back with its work, as after a lost connection; or without, as after a reload. */
  readonly keepsWork: boolean;
  identity: Joined | null;
  /** Rounds whose update was acknowledged. */
  readonly acknowledged: Set<number>;
  working: RoundStart | null;
  /** What must never happen. */
  readonly faults: string[];
  endsSeen: number;
}

export const person = (nickname: string, sampleCount: number, keepsWork: boolean): Person => ({
  nickname,
  sampleCount,
  keepsWork,
  identity: null,
  acknowledged: new Set(),
  working: null,
  faults: [],
  endsSeen: 0,
});

/** Takes part until the run has ended; never resolves when the coordinator is dead. */
export async function takePart(url: string, me: Person): Promise<void> {
  const { socket } = await connect(url);
  const ended = new Promise<void>((resolve) => socket.on("run-ended", () => resolve()));
  const starts: RoundStart[] = [];
  socket.on("round-start", (start) => starts.push(start));
  if (!me.keepsWork) me.working = null;
  const reply = await socket.emitWithAck("join", {
    protocolVersion: PROTOCOL_VERSION,
    nickname: me.nickname,
    ...(me.identity && { token: me.identity.token }),
    ...(me.working && { resumesRound: me.working.round }),
  });
  if (reply.kind === "refused") {
    me.faults.push(`join: ${reply.message}`);
    return;
  }
  if (me.identity !== null && me.identity.participantId !== reply.participantId)
    me.faults.push(`came back as ${reply.participantId}, was ${me.identity.participantId}`);
  me.identity = reply;
  const { update, upload } = participateAs(url, socket, reply);
  const work = async (start: RoundStart): Promise<void> => {
    me.working = start;
    if (me.acknowledged.has(start.round)) me.faults.push(`asked again for round ${start.round}`);
    const bytes = await update(start).catch((error: Error) => {
      // The round is closed, or holds the update already: it was the word of that which was lost.
      if (/^round: |aggregated already$/.test(error.message)) return null;
      throw error; // the connection ended
    });
    const answer = bytes && (await upload(start.round, bytes));
    // The word that it was accepted may have been lost: then the round is closed, or it is a duplicate.
    if (answer === null || answer.kind === "accepted" || answer.reason === "duplicate")
      me.acknowledged.add(start.round);
    else me.faults.push(`round ${start.round}: ${answer.reason}`);
    me.working = null;
  };
  await socket.emitWithAck("ready", { ...device, sampleCount: me.sampleCount, runId: reply.run.runId });
  if (me.working !== null) await work(me.working);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    const start = starts.shift();
    if (start) await work(start);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  me.endsSeen += 1;
}
