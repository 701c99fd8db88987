import type { AdapterShape, RunReport } from "@fedlodrop/run";

/** Of a run's report, or of a run that goes on. */
export type RunFacts = Pick<RunReport, "runId" | "config" | "rounds" | "baseTestLoss" | "finalTestLoss">;

/** README.md beside an exported adapter: what it is and how it came about. */
export function modelCard(
  { runId, config, rounds, baseTestLoss, finalTestLoss }: RunFacts,
  shape: AdapterShape,
): string {
  const devices = new Set(rounds.flatMap(({ participants }) => participants.map(({ id }) => id)));
  const loss = (value: number | null): string => value?.toFixed(4) ?? "not measured";
  const facts: readonly (readonly [string, string | number])[] = [
    ["run", runId],
    ["task", config.task],
    ...(config.startFrom === null ? [] : [["began with", config.startFrom] as const]),
    ["method", config.method],
    ["rounds", rounds.length],
    ["devices that took part", devices.size],
    ["rank, alpha", `${shape.rank}, ${shape.alpha}`],
    ["adapted matrices", shape.modules.length],
    ["held-out loss before", loss(baseTestLoss)],
    ["held-out loss after", loss(finalTestLoss)],
    ["seed", config.seed],
  ];
  return `---
library_name: peft
base_model: ${JSON.stringify(config.model)}
---

# A LoRA adapter trained by a federation of browser tabs

${facts.map(([name, value]) => `- ${name}: ${value}`).join("\n")}

Rows and columns of the adapter were dropped at random in each round (FedLoDrop, arXiv 2510.12078); texts never left the
devices. Load it with \`PeftModel.from_pretrained(base, this_folder)\`.
`;
}
