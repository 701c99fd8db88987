/** `; did you mean …?` for a word that is near one of `known`, or nothing. */
export function suggestion(word: string, known: readonly string[], prefix = ""): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(candidate, word) }))
    .filter(({ candidate, distance }) => distance <= Math.min(2, candidate.length / 2))
    .sort((a, b) => a.distance - b.distance);
  return nearest ? `; did you mean ${prefix}${nearest.candidate}?` : "";
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
