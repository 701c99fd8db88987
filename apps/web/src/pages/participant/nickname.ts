/** A nickname to start from, so that nobody has to think of one. */
const ADJECTIVES = [
  "Amber",
  "Brisk",
  "Calm",
  "Deft",
  "Eager",
  "Fair",
  "Gentle",
  "Hardy",
  "Jolly",
  "Keen",
  "Lucid",
  "Merry",
];
const ANIMALS = [
  "Badger",
  "Crane",
  "Dolphin",
  "Egret",
  "Falcon",
  "Gecko",
  "Heron",
  "Ibex",
  "Lynx",
  "Marten",
  "Otter",
  "Puffin",
];

/** @param random two integers */
export function nickname([first = 0, second = 0]: ArrayLike<number> & Iterable<number>): string {
  return `${ADJECTIVES[first % ADJECTIVES.length]} ${ANIMALS[second % ANIMALS.length]}`;
}
