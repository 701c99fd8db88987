/** How well guesses agree with what is true, as GLUE's tasks are judged. Undefined where a figure has no meaning. */

/** F1 of label 1: 2·TP / (predicted + actual positives); 0 when there are neither. */
export function positiveF1(predicted: readonly number[], labels: ArrayLike<number>): number {
  const actual = Array.from(labels);
  const truePositives = predicted.filter((label, row) => label === 1 && actual[row] === 1).length;
  const positives =
    predicted.filter((label) => label === 1).length + actual.filter((label) => label === 1).length;
  return positives === 0 ? 0 : (2 * truePositives) / positives;
}

/**
 * Matthews' correlation of predicted and actual classes, of any number of them; 0 where either side is all of one class.
 * Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
 */
export function matthews(predicted: readonly number[], labels: ArrayLike<number>): number {
  const count = predicted.length;
  const [guesses, actual] = [new Map<number, number>(), new Map<number, number>()];
  let right = 0;
  predicted.forEach((guess, row) => {
    const label = labels[row] as number;
    if (guess === label) right++;
    guesses.set(guess, (guesses.get(guess) ?? 0) + 1);
    actual.set(label, (actual.get(label) ?? 0) + 1);
  });
  const dot = (a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number =>
    [...a].reduce((sum, [label, n]) => sum + n * (b.get(label) ?? 0), 0);
  const spread = Math.sqrt((count ** 2 - dot(guesses, guesses)) * (count ** 2 - dot(actual, actual)));
  return spread === 0 ? 0 : (right * count - dot(guesses, actual)) / spread;
}

/** Pearson's correlation; undefined where either side does not vary. */
export function pearson(a: readonly number[], b: readonly number[]): number | undefined {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squaresA, squaresB] = [0, 0, 0];
  a.forEach((value, row) => {
    const [x, y] = [value - meanA, (b[row] as number) - meanB];
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  });
  return squaresA > 0 && squaresB > 0 ? product / Math.sqrt(squaresA * squaresB) : undefined;
}

/** Spearman's: Pearson's of the ranks, equal values sharing the mean of theirs. */
export const spearman = (a: readonly number[], b: readonly number[]): number | undefined =>
  pearson(ranks(a), ranks(b));

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, row) => row).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranked = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (const row of order.slice(from, to)) ranked[row] = (from + to - 1) / 2;
    from = to;
  }
  return ranked;
}
