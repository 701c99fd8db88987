/** What a finished run comes to, and whether it counts as one. */
import { payloadBytes } from "@fedlodrop/protocol";
import { type RunReport, roundsInAll } from "@fedlodrop/run";
import { bytes } from "./live-table.ts";

export interface RunSummary {
  readonly rounds: number;
  readonly baseTestLoss: number | null;
  readonly finalTestLoss: number | null;
  /** How well held-out guesses agree with what is true after the last round that tells: names and figures. */
  readonly agreement: readonly (readonly [name: string, figure: number])[];
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
    agreement: agreementOf(report),
    bytesMoved: exchanges.reduce((total, { bytesDown, bytesUp }) => total + bytesDown + bytesUp, 0),
    bytesWithoutDropout: withoutDropout,
    seconds,
  };
}

function agreementOf({ rounds }: RunReport): RunSummary["agreement"] {
  const last = rounds.findLast(({ evaluation }) => evaluation != null)?.evaluation;
  if (last == null) return [];
  const figures: readonly (readonly [string, number | null | undefined])[] = [
    ["accuracy", last.testAccuracy],
    ["F1", last.testF1],
    ["Matthews", last.testMatthews],
    ["Pearson", last.testPearson],
    ["Spearman", last.testSpearman],
  ];
  return figures.filter((figure): figure is readonly [string, number] => figure[1] != null);
}

export function summaryLines(summary: RunSummary): readonly string[] {
  const { baseTestLoss: base, finalTestLoss: final, agreement, bytesMoved, bytesWithoutDropout } = summary;
  const change = base !== null && final !== null ? ` (${(((final - base) / base) * 100).toFixed(1)} %)` : "";
  const saved = bytesWithoutDropout > 0 ? (1 - bytesMoved / bytesWithoutDropout) * 100 : 0;
  return [
    `held-out loss  ${base?.toFixed(4) ?? "unknown"} before, ${final?.toFixed(4) ?? "unknown"} after${change}`,
    ...(agreement.length > 0
      ? [`agreement      ${agreement.map(([name, figure]) => `${name} ${figure.toFixed(3)}`).join(", ")}`]
      : []),
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
