/**
 * A by what participants tell of their own training under masks, which is what the theorem's variance term is about: it
 * says what a mask costs the sparse model, not what it costs the full adapter that is used in the end.
 */
import { varianceFactor } from "@fedlodrop/allocation";
import { median, type RoundRecord } from "@fedlodrop/run";

/** ν of the variance factor. */
export const VARIANCE_EXPONENT = 1;

/** Variation of v(s) below which rates have not differed enough to tell anything. */
const LEAST_VARIATION = 1e-3;

/**
 * A by least squares of participants' training losses under their masks on v(s), with an effect for each device (its
 * texts are easier or harder) and each round (everyone improves). Null while rates do not differ enough.
 */
export function regressVariance(records: readonly RoundRecord[]): number | null {
  const rows = records.flatMap(({ round, participants }) => {
    const within = plausible(participants.flatMap(({ trainLoss }) => trainLoss ?? []));
    return participants.flatMap(({ id, trainLoss, dropoutRate, sampleCount }) =>
      trainLoss === null
        ? []
        : [
            {
              id,
              round,
              weight: sampleCount,
              x: varianceFactor(1 - dropoutRate, VARIANCE_EXPONENT),
              y: within(trainLoss),
            },
          ],
    );
  });
  // Alternating the two kinds of mean converges to both effects at once, also where someone was missing.
  for (let pass = 0; pass < 20; pass++) {
    subtractMeans(rows, ({ round }) => round);
    subtractMeans(rows, ({ id }) => id);
  }
  const weight = rows.reduce((sum, row) => sum + row.weight, 0);
  const xx = rows.reduce((sum, row) => sum + row.weight * row.x * row.x, 0);
  const xy = rows.reduce((sum, row) => sum + row.weight * row.x * row.y, 0);
  return xx > LEAST_VARIATION * weight ? xy / xx : null;
}

/** Median absolute deviations within which a participant's loss is believed, and how many must have told theirs. */
const BELIEVED_DEVIATIONS = 6;
const LEAST_LOSSES = 4;

/** Cuts a loss to what the others of its round make plausible: a least-squares fit follows the one that lies most. */
function plausible(losses: readonly number[]): (loss: number) => number {
  if (losses.length < LEAST_LOSSES) return (loss) => loss;
  const middle = median(losses);
  const most = BELIEVED_DEVIATIONS * median(losses.map((loss) => Math.abs(loss - middle)));
  return (loss) => clamp(loss, middle - most, middle + most);
}

interface Row {
  readonly id: string;
  readonly round: number;
  readonly weight: number;
  x: number;
  y: number;
}

function subtractMeans(rows: readonly Row[], groupOf: (row: Row) => string | number): void {
  const groups = new Map<string | number, Row[]>();
  for (const row of rows) {
    const group = groups.get(groupOf(row));
    if (group) group.push(row);
    else groups.set(groupOf(row), [row]);
  }
  for (const group of groups.values()) {
    const weight = group.reduce((sum, row) => sum + row.weight, 0);
    const meanX = group.reduce((sum, row) => sum + row.weight * row.x, 0) / weight;
    const meanY = group.reduce((sum, row) => sum + row.weight * row.y, 0) / weight;
    for (const row of group) {
      row.x -= meanX;
      row.y -= meanY;
    }
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
