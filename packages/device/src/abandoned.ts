/** Why a device stops working on a round that did not fail: by a code, which pages say in their reader's language. */
const SENTENCES = {
  "new-run": "the host has set up a new run",
  "closed-first": "the round closed first",
  "run-ended": "the run ended",
  "new-identity": "the coordinator gave a new identity",
  "other-run": "the coordinator has another run",
  "newer-round": "a newer round began",
  left: "this device left",
  deadline: "the deadline passed",
} as const;
export type AbandonCause = keyof typeof SENTENCES;

export class AbandonedError extends Error {
  override readonly name = "AbandonedError";
  readonly because: AbandonCause;

  constructor(because: AbandonCause) {
    super(SENTENCES[because]);
    this.because = because;
  }
}
