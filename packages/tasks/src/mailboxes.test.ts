import { expect, test } from "vitest";
import { type Mail, mailingListGroups, spamGroups, withoutCopies } from "./mailboxes.ts";

const LISTS = ["fork-admin@xent.com", "ilug-admin@linux.ie", "razor-users", "", "fork@xent.com"];
const mails: Mail[] = Array.from({ length: 3000 }, (_, index) => ({
  text: `Mail ${index} about topic ${index % 7}`,
  spam: index % 4 === 0,
  list: LISTS[index % 5] ?? "",
  date: new Date(1e12 + ((index * 7919) % 3000) * 1e6).toISOString(),
}));

test("mailboxes have one size, their own spam shares, all the spam, and hold one mail in five out", () => {
  const groups = spamGroups(mails);
  const everything = groups.flatMap(({ train, heldOut }) => [...train, ...heldOut]);
  expect(new Set(everything.map(({ text }) => text)).size).toBe(everything.length);
  expect(everything.filter(({ label }) => label === 1).length).toBeGreaterThan(750 - 4);
  for (const [index, share] of [0.3, 0.5, 0.4, 0.6].entries()) {
    const group = groups[index]!;
    const all = [...group.train, ...group.heldOut];
    expect(Math.abs(all.length - 750 / 1.8)).toBeLessThan(2);
    expect(all.filter(({ label }) => label === 1).length / all.length).toBeCloseTo(share, 2);
    expect(group.heldOut.length / all.length).toBeGreaterThan(0.12);
    expect(group.heldOut.length / all.length).toBeLessThan(0.28);
  }
});

test("a mail has one mailbox whatever order the mails come in", () => {
  expect(spamGroups(mails.toReversed())).toEqual(spamGroups(mails));
});

test("the language model gets all mail that is not spam, in order of date", () => {
  const groups = mailingListGroups(mails);
  expect(groups.flatMap(({ train, heldOut }) => [...train, ...heldOut])).toHaveLength(2250);
  const dates = groups[0]!.train.map(({ text }) => mails.find((mail) => mail.text === text)?.date ?? "");
  expect(dates).toEqual(dates.toSorted());
});

test("spam that only numbers its copies is one mail", () => {
  const copies = [1, 2, 3].map((number) => ({
    text: `Offer no. ${number}!`,
    spam: true,
    list: "",
    date: "",
  }));
  expect(withoutCopies(copies)).toEqual(copies.slice(0, 1));
});

test("a mail that comes again under another subject is a copy, one that shares a phrase is not", () => {
  const mail = (text: string): Mail => ({ text, spam: true, list: "", date: "" });
  const words = Array.from(
    { length: 60 },
    (_, index) => `w${"abcdefghij"[index % 10]}${"abcdefghij"[(index / 10) | 0]}`,
  );
  const original = mail(`Offer\n${words.join(" ")}`);
  const renamed = mail(`Re: your account, please read at once\n${words.slice(0, 50).join(" ")} 4711`);
  const phrase = mail(
    `Minutes\n${words.slice(0, 12).join(" ")} and then we spoke of quite other things over tea and cake until dusk`,
  );
  expect(withoutCopies([original, renamed, phrase])).toEqual([original, phrase]);
});
