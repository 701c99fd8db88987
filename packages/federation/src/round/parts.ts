/** Parts of the training texts: how many hold each, and who is dealt which. */
import { hasPlace, heldPart, isExpected, isReady, type Participant } from "./participant.ts";

/** By part: how many hold it, of those who have a place, of those who are here or about to be, and of everybody known. */
export interface Holders {
  readonly placed: readonly number[];
  readonly expected: readonly number[];
  readonly known: readonly number[];
}

const nobody = (partCount: number): Holders => {
  const none = Array<number>(partCount).fill(0);
  return { placed: none, expected: none, known: none };
};

export const holdersOf = (participants: readonly Participant[], partCount: number): Holders =>
  participants.reduce((all, one) => recounted(all, undefined, one), nobody(partCount));

/** @param before what one of them was, @param after what it is: undefined where it is not known */
export function recounted(
  { placed, expected, known }: Holders,
  before: Participant | undefined,
  after: Participant | undefined,
): Holders {
  const moved = (counts: readonly number[], counted: (one: Participant) => boolean): readonly number[] => {
    const held = (one: Participant | undefined) => (one && counted(one) ? heldPart(one) : null);
    const [from, to] = [held(before), held(after)];
    if (from === to) return counts;
    return counts.map((count, part) => count + (part === to ? 1 : 0) - (part === from ? 1 : 0));
  };
  return {
    placed: moved(placed, hasPlace),
    expected: moved(expected, isExpected),
    known: moved(known, () => true),
  };
}

/** For a newcomer: the lowest of those that the fewest hold who are expected, and of these the fewest who may come back. */
export const partForNewcomer = ({ expected, known }: Holders): number => leastHeld([expected, known]);

/** What a program served that did not deal: it followed from the participant's number. */
export const partByNumber = (participantId: string, partCount: number): number =>
  (Number(participantId.slice(1)) - 1) % partCount;

/** One after another, as if they had come into an empty run. */
export function dealtInTurn<P extends Omit<Participant, "part">>(
  participants: readonly P[],
  partCount: number,
): readonly (P & { readonly part: number })[] {
  let holders = nobody(partCount);
  return participants.map((participant) => {
    const one = { ...participant, part: partForNewcomer(holders) };
    holders = recounted(holders, undefined, one);
    return one;
  });
}

/**
 * Who of those ready has to change so that no part has two holders more than another, and to which part: the last one in the
 * order of joining of those whose part the most hold. One step after another makes it even, and with the fewest steps, as each
 * is from a part that the most are expected to hold to one that the fewest are. Null when it is even, among those who have a place
 * or as soon as all who are expected do, or when those who would have to change are loading still.
 */
export function dealAgain(
  participants: Iterable<Participant>,
  { placed, expected, known }: Holders,
): Participant | null {
  const part = leastHeld([expected, placed, known]);
  const most = Math.max(...expected);
  if (most <= (expected[part] as number) + 1) return null;
  const mayChange = (one: Participant): boolean =>
    canChange(one) &&
    expected[one.part] === most &&
    (placed[one.part] as number) > (placed[part] as number) + 1;
  let last: Participant | null = null;
  for (const one of participants) if (mayChange(one)) last = one;
  return last && { ...last, part };
}

/** Who does not say what it has loaded could not be told that it is to load something else. */
const canChange = (one: Participant): boolean => isReady(one) && typeof one.device.part === "number";

/** @param counts by part, the most important first */
function leastHeld(counts: readonly (readonly number[])[]): number {
  const isLess = (a: number, b: number): boolean => {
    const differing = counts.find((of) => of[a] !== of[b]);
    return differing !== undefined && (differing[a] as number) < (differing[b] as number);
  };
  const parts = counts[0]?.keys() ?? [];
  return [...parts].reduce((least, part) => (isLess(part, least) ? part : least), 0);
}
