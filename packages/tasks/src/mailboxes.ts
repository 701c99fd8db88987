/** The mail tasks' groups: four mailboxes told apart by the mailing lists they read. */

import type { Sample } from "@fedlodrop/run";
import { createRandom, shuffled } from "@fedlodrop/run";
import { isHeldOut } from "./held-out.ts";
import type { TextGroup } from "./task.ts";

export interface Mail {
  /** Cleaned subject and body. */
  readonly text: string;
  readonly spam: boolean;
  /** List it came through, empty when none. */
  readonly list: string;
  /** ISO 8601, empty when unknown. */
  readonly date: string;
}

/** Spam shares differ between people, as they do in life. */
const MAILBOXES = [
  { name: "Friends' debates", lists: /fork/, spamShare: 0.3 },
  { name: "Linux users of Ireland", lists: /linux\.ie/, spamShare: 0.5 },
  { name: "Developers' lists", lists: /rpm|razor|exmh|spamassassin/, spamShare: 0.4 },
  { name: "News and newsletters", lists: /(?:)/, spamShare: 0.6 },
] as const;

/** One mail in five, by its content, is held out. */
const HELD_OUT_EVERY = 5;

/**
 * Mailboxes of one size that hold all the spam and, by their spam share, as much other mail as goes with it.
 * Label 1 is spam.
 */
export function spamGroups(mails: readonly Mail[]): TextGroup[] {
  // One fixed order, so that nobody's run decides which mailbox a spam mail reached.
  const random = createRandom("mailboxes");
  const spam = shuffled(byText(mails.filter((mail) => mail.spam)), random);
  const size = Math.floor(spam.length / MAILBOXES.reduce((sum, { spamShare }) => sum + spamShare, 0));
  return hamByMailbox(mails).map(({ name, spamShare, ham }) => {
    const ownSpam = spam.splice(0, Math.floor(size * spamShare));
    const ownHam = shuffled(byText(ham), random).slice(0, size - ownSpam.length);
    return toGroup(name, [...ownSpam, ...ownHam], (mail) => ({ text: mail.text, label: mail.spam ? 1 : 0 }));
  });
}

/** Every mail that is not spam, for a language model. */
export function mailingListGroups(mails: readonly Mail[]): TextGroup[] {
  return hamByMailbox(mails).map(({ name, ham }) => toGroup(name, ham, ({ text }) => ({ text })));
}

function hamByMailbox(mails: readonly Mail[]) {
  const ham = mails.filter((mail) => !mail.spam);
  return MAILBOXES.map((mailbox) => ({
    ...mailbox,
    ham: ham.filter((mail) => MAILBOXES.find(({ lists }) => lists.test(mail.list)) === mailbox),
  }));
}

function toGroup(name: string, mails: readonly Mail[], toSample: (mail: Mail) => Sample): TextGroup {
  const byDate = byText(mails).sort((a, b) => Number(a.date > b.date) - Number(a.date < b.date));
  return {
    name,
    train: byDate.filter((mail) => !isHeldOut(mail.text, HELD_OUT_EVERY)).map(toSample),
    heldOut: byDate.filter((mail) => isHeldOut(mail.text, HELD_OUT_EVERY)).map(toSample),
  };
}

function byText(mails: readonly Mail[]): Mail[] {
  return [...mails].sort((a, b) => (a.text < b.text ? -1 : 1));
}

const RUN_WORDS = 8;

/**
 * The mails without copies of earlier ones: a mail goes when earlier mails have more than half of its runs of eight
 * words. Spam comes again under other subjects and numbers, and a copy of a held-out mail must not be trained on.
 */
export function withoutCopies(mails: readonly Mail[]): Mail[] {
  const seen = new Set<string>();
  return mails.filter(({ text }) => {
    const runs = wordRuns(text);
    if (2 * runs.filter((run) => seen.has(run)).length > runs.length) return false;
    for (const run of runs) seen.add(run);
    return true;
  });
}

/** Every run of RUN_WORDS words; digits are no words, since spam numbers its copies. A shorter text is one run. */
function wordRuns(text: string): string[] {
  const words = text.toLowerCase().match(/\p{Letter}+/gu) ?? [];
  return Array.from({ length: Math.max(1, words.length - RUN_WORDS + 1) }, (_, start) =>
    words.slice(start, start + RUN_WORDS).join(" "),
  );
}
