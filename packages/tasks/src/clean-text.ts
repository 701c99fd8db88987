/**
 * Plain text as the base model has seen it: ASCII quotes and dashes, single spaces, at most one blank line. The
 * end-of-text token is taken out, so that no text can speak to the tokenizer.
 */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/<\|endoftext\|>/g, " "],
  [/[\u2018\u2019]/g, "'"],
  [/[\u201c\u201d]/g, '"'],
  [/[\u2010-\u2013\u2212]/g, "-"],
  [/\u2014/g, "--"],
  [/\u2026/g, "..."],
  [/[\ufeff\u00ad\u200b]/g, ""],
  // What could not be decoded, as in mails that name a wrong character set.
  [/\ufffd/g, " "],
  [/\r\n?/g, "\n"],
  [/[^\S\n]+/g, " "],
  [/ ?\n ?/g, "\n"],
  [/\n{3,}/g, "\n\n"],
];

export function cleanText(text: string): string {
  return REPLACEMENTS.reduce((clean, [pattern, by]) => clean.replace(pattern, by), text).trim();
}

/** A State of the Union address without the transcript's remarks on the audience; one paragraph, as packaged. */
export function cleanSpeech(text: string): string {
  return cleanText(text.replace(/[[(](?:applause|laughter)\.?[\])]/gi, " ")).replace(/ ([.,;:?!])/g, "$1");
}

/**
 * A file of the Brown corpus without its word classes ("The/at jury/nn said/vbd"), one line per sentence mark of
 * the corpus, ordinary spacing around punctuation.
 */
export function cleanTaggedText(tagged: string): string {
  const paragraphs = tagged.split(/\n\s*\n/).map((paragraph) =>
    paragraph
      .split(/\s+/)
      .map((word) => word.slice(0, Math.max(0, word.lastIndexOf("/"))))
      .filter((word) => word !== "")
      .join(" ")
      .replace(/`` ?| ?''/g, '"')
      .replace(/ ([.,;:?!)\]])/g, "$1")
      .replace(/([([]) /g, "$1")
      .replace(/([.?!;,])\1+/g, "$1"),
  );
  return cleanText(paragraphs.filter((paragraph) => paragraph !== "").join("\n"));
}
