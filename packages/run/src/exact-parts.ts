/**
 * The two grains in which weighted changes are added up without rounding: multiples of 2⁻¹⁴, and of 2⁻⁵⁴ what is left.
 * federation's exact-mean.ts says why every sum fits; sums under masks (privacy) use the same grains, to give the same bits.
 */
export const COARSE_BITS = 14;
export const FINE_BITS = 54;
