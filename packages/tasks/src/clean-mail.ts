/**
 * What a mail says, without what would give its sender, its list or its label away: addresses and links become EMAIL
 * and URL, "[list]" tags, quoted lines, signatures and list footers go. Cleaned mails are not anonymous all the same;
 * they are never shown unasked.
 */
import { cleanText } from "./clean-text.ts";
import { cutIntoPassages } from "./passages.ts";

export interface RawMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A spam filter sees the opening of a mail; more would not fit its window. */
const MAIL_CHARACTERS = 900;

/** Spam sends HTML under the name of plain text. */
const HTML_SOURCE = /<(?:html|body|table|font|br|p|div)\b[^>]*>/i;

/** Subject, line break, body. Empty when hardly anything is left, such as a mail that is one picture. */
export function cleanMail({ subject, text, html }: RawMail): string {
  const title = cleanText(subject.replace(/\[[^\]]{1,30}\]/g, " ")).replace(/\s+/g, " ");
  // Some mails carry a token text part such as "this is HTML" beside the real one.
  const plain = HTML_SOURCE.test(text) ? htmlToText(text) : text;
  const body = cleanBody(plain.trim().length > 40 || html === "" ? plain : htmlToText(html));
  return body.length < 20
    ? ""
    : (cutIntoPassages(`${hideAddresses(title)}\n${body}`, MAIL_CHARACTERS)[0] ?? "");
}

function cleanBody(text: string): string {
  const body = cleanText(text)
    .replace(/^(?:[>|}].*|.{0,200}\bwrote:)$/gm, "")
    .replace(/\n-- ?\n[\s\S]*$/, "\n")
    .replace(/\n[_=-]{10,}\n[\s\S]{0,800}$/, "\n");
  return hideAddresses(body)
    .replace(/([=\-_*#~.+!?$])\1{3,}/g, "$1$1$1")
    .replace(/\n{2,}/g, "\n")
    .trim();
}

function hideAddresses(text: string): string {
  return text
    .replace(/\b(?:https?:\/\/|www\.)\S+/gi, "URL")
    .replace(/[^\s@<(]{1,100}@[^\s@>)]{1,100}/g, "EMAIL");
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: " ",
  apos: "'",
};

/** Enough for classifying mails, not for showing them. */
export function htmlToText(html: string): string {
  return html
    .replace(/<!--[\s\S]*?(?:-->|$)/g, " ")
    .replace(/<(style|script|title)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, " ")
    .replace(/\s+/g, " ")
    .replace(/<(?:br|p|div|tr|li|h[1-6]|table)\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, " ")
    .replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));?/gi, (whole, decimal, hex, name) => {
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
      if (!name) return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : " ";
      return ENTITIES[name.toLowerCase()] ?? whole;
    });
}
