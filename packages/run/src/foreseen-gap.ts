/** What plans foresaw of the generalisation gap. */
import type { AllocationRecord } from "./report.ts";

/** Nats; null before measured gaps tell a learning curve: the term of calibrated constants is then next to nothing, and no forecast. */
export const foreseenGap = ({
  generalisationTerm,
  constants: { form, gapOffset },
}: Pick<AllocationRecord, "generalisationTerm" | "constants">): number | null =>
  form === "calibrated" && gapOffset === 0 ? null : generalisationTerm;
