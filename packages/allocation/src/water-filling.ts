/**
 * Water-filling over a device's sub-channels: pour power P so that every active one has the same level κ of
 * power + inverse gain. With prefix sums over channels sorted by gain one evaluation costs one logarithm.
 * Channels may be held in part (weight x < 1), which the continuous relaxation needs: power x(κ − 1/a), rate x log₂ κa.
 */
export class CapacityCurve {
  #count = 0;
  readonly #inverseGain: Float64Array;
  /** Sums over channels 0..i of x, x/a and x log₂ a. */
  readonly #share: Float64Array;
  readonly #shareInverse: Float64Array;
  readonly #shareLog: Float64Array;
  #active = 0;
  /** κ and the rate in bit/s/Hz at the power last poured. */
  waterLevel = 0;
  bitsPerHertz = 0;

  constructor(capacity: number) {
    this.#inverseGain = new Float64Array(capacity);
    this.#share = new Float64Array(capacity);
    this.#shareInverse = new Float64Array(capacity);
    this.#shareLog = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#active = 0;
  }

  /** Channels must come in descending gain. */
  add(weight: number, inverseGain: number, log2Gain: number): void {
    const i = this.#count++;
    const [share, inverse, log] = [this.#share, this.#shareInverse, this.#shareLog];
    this.#inverseGain[i] = inverseGain;
    share[i] = (i > 0 ? (share[i - 1] as number) : 0) + weight;
    inverse[i] = (i > 0 ? (inverse[i - 1] as number) : 0) + weight * inverseGain;
    log[i] = (i > 0 ? (log[i - 1] as number) : 0) + weight * log2Gain;
  }

  /** Pours `watts` ≥ 0 and sets waterLevel and bitsPerHertz, which is returned. 0 without channels. */
  pour(watts: number): number {
    if (this.#count === 0) return 0;
    let i = this.#active;
    while (i + 1 < this.#count && this.#reaches(i + 1, watts)) i++;
    while (i > 0 && !this.#reaches(i, watts)) i--;
    this.#active = i;
    const share = this.#share[i] as number;
    this.waterLevel = (watts + (this.#shareInverse[i] as number)) / share;
    this.bitsPerHertz = Math.max(0, share * Math.log2(this.waterLevel) + (this.#shareLog[i] as number));
    return this.bitsPerHertz;
  }

  /** Active channels' weight at the power last poured. */
  get activeShare(): number {
    return this.#share[this.#active] as number;
  }

  /** Least watts that carry `bitsPerHertz`; sets waterLevel. */
  wattsFor(bitsPerHertz: number): number {
    if (bitsPerHertz <= 0 || this.#count === 0) return 0;
    for (let i = 0; ; i++) {
      const share = this.#share[i] as number;
      const level = 2 ** ((bitsPerHertz - (this.#shareLog[i] as number)) / share);
      if (i + 1 === this.#count || level <= (this.#inverseGain[i + 1] as number)) {
        this.waterLevel = level;
        return Math.max(0, share * level - (this.#shareInverse[i] as number));
      }
    }
  }

  #reaches(i: number, watts: number): boolean {
    return (
      watts + (this.#shareInverse[i] as number) >
      (this.#share[i] as number) * (this.#inverseGain[i] as number)
    );
  }
}
