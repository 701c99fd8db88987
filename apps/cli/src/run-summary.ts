/** What a finished run comes to, and whether it counts as one. */
import { payloadBytes } from "@fedlodrop/protocol";
import { type RunReport, roundsInAll } from "@fedlodrop/run";
import { bytes } from "./live-table.ts";

export interface RunSummary {
  readonly rounds: number;
  readonly baseTestLoss: number | null;
  readonly finalTestLoss: number | null;
  /** Payload bytes both ways, all participants. */
  readonly bytesMoved: number;
  /** What the same transfers would have moved with whole adapters (γ = 0). */
  readonly bytesWithoutDropout: number;
  readonly seconds: number;
}

export function summarizeRun(report: RunReport, seconds: number): RunSummary {
  const exchanges = report.rounds.flatMap(({ participants }) => participants);
  const { valueType } = report.config;
  // Each transfer that happened, sent whole instead.
  const withoutDropout = exchanges.reduce((total, { bytesDown, bytesUp, fullValues }) => {
    const transfers = Number(bytesDown > 0) + Number(bytesUp > 0);
    return total + transfers * payloadBytes(fullValues, valueType);
  }, 0);
  return {
    rounds: report.rounds.length,
    baseTestLoss: report.baseTestLoss,
    finalTestLoss: report.finalTestLoss,
    bytesMoved: exchanges.reduce((total, { bytesDown, bytesUp }) => total + bytesDown + bytesUp, 0),
    bytesWithoutDropout: withoutDropout,
    seconds,
  };
}

export function summaryLines(summary: RunSummary): readonly string[] {
  const { baseTestLoss: base, finalTestLoss: final, bytesMoved, bytesWithoutDropout } = summary;
  const change = base !== null && final !== null ? ` (${(((final - base) / base) * 100).toFixed(1)} %)` : "";
  const saved = bytesWithoutDropout > 0 ? (1 - bytesMoved / bytesWithoutDropout) * 100 : 0;
  return [
    `held-out loss  ${base?.toFixed(4) ?? "unknown"} before, ${final?.toFixed(4) ?? "unknown"} after${change}`,
    `bytes moved    ${bytes(bytesMoved)}; FedLoRA: ${bytes(bytesWithoutDropout)} (${saved.toFixed(1)} % saved)`,
    `time           ${summary.seconds.toFixed(1)} s for ${summary.rounds} round${summary.rounds === 1 ? "" : "s"}`,
  ];
}

/** Why a run that came to its end still failed; null when it did not. */
export function runFailure(report: RunReport): string | null {
  const asked = roundsInAll(report.config);
  if (report.rounds.length < asked) return `${report.rounds.length} of ${asked} rounds were done`;
  const empty = report.rounds.find(({ participants }) =>
    participants.every(({ outcome }) => outcome !== "aggregated"),
  );
  if (empty) return `round ${empty.round}: no update was aggregated`;
  if (report.baseTestLoss === null || report.finalTestLoss === null)
    return "the held-out loss was not evaluated";
  return null;
}
