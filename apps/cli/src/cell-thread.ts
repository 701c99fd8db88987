/** Runs a study's cells in a thread of its own, one after another. */
import { type CellKey, type CellSize, type Played, runCell } from "./reproduce/cell.ts";
import { answerCalls } from "./thread.ts";

export type CellCalls = {
  run(given: { readonly key: CellKey; readonly size: CellSize }): Promise<Played>;
};

const cellCalls: CellCalls = { run: ({ key, size }) => runCell(key, size) };

answerCalls(cellCalls);
