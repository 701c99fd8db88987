export {
  budgetOf,
  epsilonOf,
  epsilonOfDivergence,
  epsilonSpent,
  leastEpsilon,
  type Mechanism,
  noiseMultiplierFor,
  noiseWithin,
  type RenyiBudget,
  renyiBudget,
  renyiDivergence,
} from "./differential-privacy/accountant.ts";
export { clipFactor, discreteGaussian, grainOf, secureUniform } from "./differential-privacy/noise.ts";
export { noiseShare } from "./differential-privacy/shared-noise.ts";
export { LEAST_SUMMED } from "./secure-aggregation/company.ts";
export {
  type AnswerRefusal,
  awaited,
  beginSecureRound,
  closeStep,
  type Invited,
  receive,
  type SecureRound,
  unmaskingsOf,
} from "./secure-aggregation/coordinator.ts";
export { EXACT_FRACTION_BITS } from "./secure-aggregation/fixed-point.ts";
export { identitySeed, type KeyPair, type RandomBytes, signingKeys } from "./secure-aggregation/keys.ts";
export { beginMaskedSum, type MaskedSum } from "./secure-aggregation/masked-sum.ts";
export {
  type FromDevice,
  packed,
  type Refusal,
  type SentToDevice,
  type ToDevice,
  unpacked,
} from "./secure-aggregation/messages.ts";
export type { Coverage, SecureTerms } from "./secure-aggregation/roster.ts";
export { MOST_SECURE_DEVICES, maskedBytes, secureTermsOf } from "./secure-aggregation/run-terms.ts";
export { type DeviceSession, openSession } from "./secure-aggregation/session.ts";
