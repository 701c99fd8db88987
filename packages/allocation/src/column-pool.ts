/** Every set of channels met so far, for all nodes of the search, and what mixtures of them amount to. */
import type { MasterColumn } from "./column-master.ts";
import type { Column } from "./demand.ts";
import { costAtLimit, type SeparableCosts } from "./objective.ts";
import type { DeviceLoad } from "./problem.ts";
import { bestLimit, fillCurve, type RadioInstance, type RankedChannels } from "./radio-instance.ts";

/** What a node of the search permits. */
export interface Restrictions {
  /** [K·M], 0 where the device may not have the channel. */
  readonly allowed: Uint8Array;
  /** [K], 1 where the device may not stay out. */
  readonly mustJoin: Uint8Array;
}

export class ColumnPool {
  readonly #instance: RadioInstance;
  readonly #columns: readonly MasterColumn[][];
  #separable: SeparableCosts;

  /** Starts with the empty set of each device. */
  constructor(instance: RadioInstance, separable: SeparableCosts) {
    this.#instance = instance;
    this.#separable = separable;
    this.#columns = instance.tasks.map(() => []);
    for (let device = 0; device < instance.devices; device++) {
      this.add({ device, channels: new Int32Array(0), limit: 0 });
    }
  }

  /** Prices every set by other costs. */
  reprice(separable: SeparableCosts): void {
    this.#separable = separable;
    for (const pool of this.#columns) {
      for (const each of pool) each.cost = costAtLimit(separable, each.column.device, each.column.limit);
    }
  }

  /** The pool's entry of a set, new or known. */
  add(column: Column): MasterColumn {
    const pool = this.#columns[column.device] as MasterColumn[];
    const known = pool.find(
      ({ column: { channels } }) =>
        channels.length === column.channels.length && channels.every((m, i) => m === column.channels[i]),
    );
    if (known !== undefined) return known;
    const cost = costAtLimit(this.#separable, column.device, column.limit);
    const added = { column, cost, part: 0, priced: 0 };
    pool.push(added);
    return added;
  }

  /** The sets known that a node admits; null when a device that must join cannot. */
  admissible({ allowed, mustJoin }: Restrictions): MasterColumn[][] | null {
    const { channels, curve, high, low, ranked } = this.#instance;
    const pools: MasterColumn[][] = [];
    for (const [k, known] of this.#columns.entries()) {
      const pool = known.filter(
        ({ column }) =>
          (column.limit > 0 || mustJoin[k] === 0) &&
          column.channels.every((m) => allowed[k * channels + m] === 1),
      );
      if (pool.length === 0) {
        const all = Int32Array.from({ length: channels }, (_, m) => m).filter(
          (m) => allowed[k * channels + m] === 1,
        );
        fillCurve(curve, ranked[k] as RankedChannels, (m) => allowed[k * channels + m] === 1);
        const limit = bestLimit(this.#instance, k, low, high);
        if (limit === 0) return null;
        pool.push(this.add({ device: k, channels: all, limit }));
      }
      pools.push(pool);
    }
    return pools;
  }

  /** [K·M]: how much of each channel the mixtures give to each device. */
  shares(pools: readonly MasterColumn[][]): Float64Array {
    const { devices, channels } = this.#instance;
    const shares = new Float64Array(devices * channels);
    pools.forEach((pool, k) => {
      for (const { column, part } of pool) {
        for (const m of column.channels) (shares[k * channels + m] as number) += part;
      }
    });
    return shares;
  }

  /** Σ w s² of the mixtures. */
  keptByMixtures(pools: readonly MasterColumn[][]): number {
    let kept = 0;
    pools.forEach((pool, k) => {
      for (const { column, part } of pool) {
        const s = Math.max(this.#instance.low, Math.min(column.limit, this.#separable.ideal[k] as number));
        kept += part * (this.#instance.problem.devices[k] as DeviceLoad).weight * s * s;
      }
    });
    return kept;
  }
}
