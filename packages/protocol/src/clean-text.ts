/**
 * Names that people type are shown to others: on pages, in terminals, in files. This takes out what would let a name
 * act (terminal escapes), hide (nothing visible), pose as another (bidirectional overrides) or spill (stacked marks,
 * ten thousand letters). Letters of every script, emoji and right-to-left text stay as they are.
 */

/** Control characters, surrogates without partner, private use, unassigned, and the format characters except the two
 *  joiners, which Persian and family emoji need. */
const NEVER_SHOWN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
/** Fillers that take room and show nothing; text of them alone is no name. */
const INVISIBLE_LETTERS = /[\u115f\u1160\u3164\uffa0\u2800]|\u034f|\u17b4|\u17b5|[\u180b-\u180f]/gu;
/** No script stacks more marks on one letter. */
const STACKED_MARKS = /(\p{M}{4})\p{M}+/gu;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** `text` in one line of at most `longest` characters as people count them, and twice as many UTF-16 units; empty when
 *  nothing visible is left. */
export function cleanText(text: string, longest: number): string {
  const oneLine = text
    .slice(0, 64 * longest) // normalising megabytes would cost seconds
    .normalize("NFC")
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, " ")
    .replace(NEVER_SHOWN, "")
    .replace(INVISIBLE_LETTERS, "")
    .replace(STACKED_MARKS, "$1")
    .replace(/ +/g, " ")
    .trim();
  let kept = "";
  let count = 0;
  for (const { segment } of graphemes.segment(oneLine)) {
    if (count === longest || kept.length + segment.length > 2 * longest) break;
    kept += segment;
    count += 1;
  }
  // Joiners and marks alone are not visible.
  return kept.replace(/\p{Cf}|\p{M}|\s/gu, "") === "" ? "" : kept.trim();
}
