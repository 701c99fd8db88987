/** The run's side as a gateway has it: everything is asked of the owner, but for the bytes of updates, which stay here. */
import type { Progress } from "@fedlodrop/protocol";
import type { RoundTerms } from "../runs/live-run.ts";
import type { StoredUpload } from "../store/run-store.ts";
import type { AskedAsItComes, Notes, Submitted, ToOwner } from "./calls.ts";
import { LineBroken } from "./line.ts";
import { askUntilAnswered, type OwnerLink } from "./owner-link.ts";
import type { PartRoom } from "./part-room.ts";
import type { RunSide } from "./run-side.ts";

export interface RemoteRunOptions {
  readonly link: OwnerLink;
  /** Of the open round. @throws when it is not open */
  readonly terms: (round: number) => Promise<RoundTerms>;
  /** Of the present owner; null before there is a run. */
  readonly parts: () => PartRoom | null;
  /** Keeps an upload's bytes where they survive this process. */
  readonly keep: (round: number, participantId: string, bytes: Uint8Array) => Promise<StoredUpload>;
  readonly log: (line: string) => void;
}

export interface RemoteRun extends RunSide {
  close(): void;
}

/** How often what only informs goes to the owner, together. */
const NOTES_MS = 200;

export function openRemoteRun({ link, terms, parts, keep, log }: RemoteRunOptions): RemoteRun {
  /** No answer ever, where there can be none: the connection that waits for it is closed, or tries again. */
  async function ask(question: ToOwner): Promise<unknown> {
    try {
      return await link.ask(question);
    } catch (error) {
      if (!(error instanceof LineBroken))
        log(`the run's owner could not answer: ${(error as Error).message}`);
      return new Promise(() => {});
    }
  }
  const call = <K extends AskedAsItComes>(name: K): RunSide[K] =>
    ((...args: unknown[]) => ask({ kind: "call", name, args })) as unknown as RunSide[K];
  const [gone, submitMasked] = [call("gone"), call("submit")];

  let progress = new Map<string, Progress>();
  let traffic = new Map<string, [participantId: string, round: number, up: number, down: number]>();
  let downloaded: string[] = [];
  function flush(): void {
    if (progress.size + traffic.size + downloaded.length === 0) return;
    const notes = { progress: [...progress], traffic: [...traffic.values()], downloaded };
    link.tell({ kind: "notes", ...notes } satisfies Notes);
    progress = new Map();
    traffic = new Map();
    downloaded = [];
  }
  const flushing = setInterval(flush, NOTES_MS);
  function travelled(participantId: string, round: number, up: number, down: number): void {
    const key = `${round}/${participantId}`;
    const [, , ups, downs] = traffic.get(key) ?? [participantId, round, 0, 0];
    traffic.set(key, [participantId, round, ups + up, downs + down]);
  }

  return {
    join: call("join"),
    // An owner that comes later has never heard of it.
    gone: async (connection, kind) => (link.isUp ? gone(connection, kind) : undefined),
    ready: call("ready"),
    guess: call("guess"),
    beginUpload: call("beginUpload"),
    unusable: call("unusable"),
    evaluated: call("evaluated"),
    member: (...args) =>
      askUntilAnswered(link, { kind: "call", name: "member", args }) as ReturnType<RunSide["member"]>,
    holderOf: (...args) =>
      askUntilAnswered(link, { kind: "call", name: "holderOf", args }) as ReturnType<RunSide["holderOf"]>,
    partOf: (...args) =>
      askUntilAnswered(link, { kind: "call", name: "partOf", args }) as ReturnType<RunSide["partOf"]>,
    secureAnswer: call("secureAnswer"),
    async submit(participantId, checked) {
      const { runId, round, statistics, bytes, changes } = checked;
      if (changes === null) {
        flush();
        return submitMasked(participantId, checked);
      }
      const upload = await keep(round, participantId, bytes);
      flush(); // its bytes are counted before it is
      const update = { runId, round, statistics, upload };
      const answer = (await ask({ kind: "submit", participantId, update })) as Submitted;
      if (answer.kind === "refused") return answer;
      const { order } = answer;
      // Those of the owner that has ordered it, whoever comes next.
      const own = parts();
      if (order !== null && own !== null)
        void terms(round).then(
          (open) =>
            open.runId === runId
              ? own.fold(open, participantId, changes, order)
              : own.fail(round, `round ${round}: the host has set up a new run`),
          (error: Error) => own.fail(round, error.message), // the owner folds from what was kept
        );
      return { kind: "accepted" };
    },
    progressed: (participantId, one) => {
      progress.set(participantId, one);
    },
    received: (participantId, round, bytes) => travelled(participantId, round, bytes, 0),
    sent: (participantId, round, bytes) => travelled(participantId, round, 0, bytes),
    downloaded: (participantId) => {
      downloaded.push(participantId);
    },
    close: () => clearInterval(flushing),
  };
}
