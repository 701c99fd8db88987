/** Where a name may be cut short: pure. */

/** Characters at the end that are never given up: enough for a number below 100 with its space. */
const END_CHARACTERS = 3;

const characters = new Intl.Segmenter("en");

/** Together the name, cut between what readers take for characters. */
export function splitName(name: string): readonly [beginning: string, end: string] {
  const end = Array.from(characters.segment(name), ({ segment }) => segment)
    .slice(-END_CHARACTERS)
    .join("");
  return [name.slice(0, name.length - end.length), end];
}
