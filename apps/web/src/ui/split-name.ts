/** Where a name may be cut short: pure. */

/** Characters at the end that are never given up: enough for a number below 100 with its space. */
const END_CHARACTERS = 3;

/** Together the name, cut between what readers take for characters where the browser knows these. */
export function splitName(name: string): readonly [beginning: string, end: string] {
  const characters = Intl.Segmenter
    ? Array.from(new Intl.Segmenter("en").segment(name), ({ segment }) => segment)
    : [...name];
  const end = characters.slice(-END_CHARACTERS).join("");
  return [name.slice(0, name.length - end.length), end];
}
