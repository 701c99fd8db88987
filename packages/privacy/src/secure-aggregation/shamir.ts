/**
 * Shamir's secret sharing (1979), byte by byte over GF(2⁸) with the polynomial x⁸+x⁴+x³+x+1: any `threshold` shares give
 * the secret, fewer say nothing about it. Up to 255 shares; the share of place p is the polynomials' values at p + 1.
 */
const EXPONENTIALS = new Uint8Array(510);
const LOGARITHMS = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXPONENTIALS[power] = value;
  EXPONENTIALS[power + 255] = value;
  LOGARITHMS[value] = power;
  // Times the generator 3 = x + 1.
  value = (value ^ (value << 1) ^ (value & 0x80 ? 0x11b : 0)) & 0xff;
}

const times = (a: number, b: number): number =>
  a === 0 || b === 0 ? 0 : (EXPONENTIALS[(LOGARITHMS[a] as number) + (LOGARITHMS[b] as number)] as number);
const over = (a: number, b: number): number =>
  a === 0 ? 0 : (EXPONENTIALS[(LOGARITHMS[a] as number) + 255 - (LOGARITHMS[b] as number)] as number);

export interface Share {
  /** Which of the shares it is, from 0. */
  readonly place: number;
  readonly bytes: Uint8Array;
}

/** @param randomBytes unpredictable bytes */
export function splitSecret(
  secret: Uint8Array,
  count: number,
  threshold: number,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array[] {
  if (!(threshold >= 1 && threshold <= count && count <= 255))
    throw new Error(`shares: expected 1 ≤ threshold ≤ count ≤ 255, got ${threshold} of ${count}`);
  const coefficients = Array.from({ length: threshold - 1 }, () => randomBytes(secret.length));
  return Array.from({ length: count }, (_, place) =>
    secret.map((byte, i) => {
      let value = 0;
      for (let c = coefficients.length - 1; c >= 0; c--)
        value = times(value ^ ((coefficients[c] as Uint8Array)[i] as number), place + 1);
      return value ^ byte;
    }),
  );
}

/** From exactly as many shares as the threshold was, of different places (Lagrange interpolation at 0). */
export function joinShares(shares: readonly Share[]): Uint8Array {
  if (new Set(shares.map(({ place }) => place)).size !== shares.length)
    throw new Error("shares: expected different places, got one twice");
  const secret = new Uint8Array(shares[0]?.bytes.length ?? 0);
  for (const { place, bytes } of shares) {
    let factor = 1;
    for (const other of shares)
      if (other.place !== place)
        factor = times(factor, over(other.place + 1, (other.place + 1) ^ (place + 1)));
    for (let i = 0; i < secret.length; i++)
      secret[i] = (secret[i] as number) ^ times(factor, bytes[i] as number);
  }
  return secret;
}
