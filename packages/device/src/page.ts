/** What a page needs to talk to its device, without the device itself: neither trainer nor model is loaded with it. */
export type { AbandonCause } from "./abandoned.ts";
export { BETWEEN_TEXTS } from "./between-texts.ts";
export type { Unfit } from "./device-fit.ts";
export {
  type DeviceKind,
  deviceKind,
  energyProfile,
  type ProfileCorrection,
  TYPICAL_WATTS,
} from "./device-profile.ts";
export type { EnergyEstimate } from "./energy.ts";
export { type FromWorker, type OwnTexts, type TextSource, type ToWorker, toPlainError } from "./messages.ts";
export { ownSamples } from "./own-samples.ts";
export type { UnusablePrompt } from "./try-it.ts";
