/** A cell of the small model under several seeds, at the learning rate that its last round was best at on the choosing texts. */
import { mean } from "../../apps/cli/src/reproduce/figure.ts";
import { runSmallCell, type SmallCell, type SmallOutcome } from "../../apps/cli/src/simulate/small-cell.ts";

interface TunedCell {
  readonly learningRate: number;
  /** Seed by seed. */
  readonly outcomes: readonly SmallOutcome[];
}

export async function tunedCell(
  learningRates: readonly number[],
  seeds: number,
  cell: Omit<SmallCell, "learningRate" | "seed">,
): Promise<TunedCell> {
  const tried: TunedCell[] = [];
  for (const learningRate of learningRates) {
    const outcomes: SmallOutcome[] = [];
    for (let seed = 0; seed < seeds; seed++)
      outcomes.push(await runSmallCell({ ...cell, learningRate, seed: String(seed) }));
    tried.push({ learningRate, outcomes });
  }
  const chosenBy = ({ outcomes }: TunedCell): number => mean(outcomes.map(({ last }) => last.choose));
  return tried.reduce((best, own) => (chosenBy(own) < chosenBy(best) ? own : best));
}
