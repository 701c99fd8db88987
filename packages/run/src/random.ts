/**
 * Seeded randomness that every runtime repeats bit for bit: the coordinator and each participant derive the
 * same dropout masks from the same words. Not for secrets (session tokens come from the platform's crypto).
 * Generator: sfc32 (C. Doty-Humphrey, PractRand), seeded through FNV-1a with a murmur3 finaliser.
 */
export interface Random {
  /** Next integer, uniform on [0, 2³²). */
  uint32(): number;
  /** Next real, uniform on [0, 1), with 32 random bits. */
  uniform(): number;
  /** Next integer, uniform on [0, bound) without modulo bias; bound in [1, 2³²]. */
  below(bound: number): number;
  /** Next standard normal deviate (Box–Muller). */
  normal(): number;
}

/** A generator whose stream is a pure function of the given parts, e.g. `createRandom("seed", 3, "p1")`. */
export function createRandom(...parts: readonly (string | number)[]): Random {
  // Lengths are hashed with the parts, so ("ab", "c") and ("a", "bc") differ.
  const text = parts.map((part) => `${String(part).length}:${part}`).join("|");
  let a = hash(text, 1);
  let b = hash(text, 2);
  let c = hash(text, 3);
  let counter = 1;

  function uint32(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
  // sfc32 needs a few rounds before nearby seeds part.
  for (let i = 0; i < 15; i++) uint32();

  const uniform = (): number => uint32() / 2 ** 32;
  return {
    uint32,
    uniform,
    below(bound) {
      const limit = 2 ** 32 - remainder(2 ** 32, bound);
      let value = uint32();
      while (value >= limit) value = uint32();
      return remainder(value, bound);
    },
    normal() {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    },
  };
}

/** `value` modulo `bound`, both up to 2³²: exact, since a quotient below 2³² that is not whole is not rounded to a whole
 *  one in float64. `%` on numbers beyond 2³¹ calls out of compiled code, which took half of a mask's time. */
const remainder = (value: number, bound: number): number => value - Math.floor(value / bound) * bound;

/** `count` distinct integers of [0, size), ascending, uniform over all subsets (partial Fisher–Yates). */
export function sampleWithoutReplacement(size: number, count: number, random: Random): Uint32Array {
  if (!(Number.isInteger(count) && count >= 0 && count <= size))
    throw new Error(`sample: expected a count from 0 to ${size}, got ${count}`);
  const pool = new Uint32Array(size);
  for (let i = 0; i < size; i++) pool[i] = i;
  const isChosen = new Uint8Array(size);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(size - i);
    isChosen[pool[j] as number] = 1;
    pool[j] = pool[i] as number;
  }
  // Read off in order, which takes less than sorting them.
  const chosen = new Uint32Array(count);
  for (let index = 0, at = 0; at < count; index++) if (isChosen[index] === 1) chosen[at++] = index;
  return chosen;
}

/** A shuffled copy (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

function hash(text: string, salt: number): number {
  let h = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b9);
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
