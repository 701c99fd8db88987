/**
 * Every family of models trains in real tabs: `npx tsx tools/verify/families.ts DIR [NAME …]` has `fedlodrop federate` run each
 * random small model of packages/lm/fixtures/models in two tabs on WebAssembly, exports what was trained for PEFT, and computes the
 * logits of the fixture's tokens with it. A line each; DIR gets NAME/run, NAME/peft and NAME/logits.json, which
 * `tools/verify/check_export.py DIR` holds to what peft makes of the same adapter. Three minutes on two quiet cores.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { openAdapterFile } from "@fedlodrop/lm";
import { nodeHost } from "@fedlodrop/lm/node";
import type { RunReport } from "@fedlodrop/run";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import { folderOf, logitsOf, openVerified } from "../../packages/lm/src/models/verified.contract.ts";
import { uploadWeights } from "../../packages/lm/src/trainer/upload.ts";

const DECODERS = ["gpt2", "llama", "llama3", "mistral", "qwen2", "qwen3", "gemma3"];
const ENCODERS = ["bert", "roberta", "distilbert"];
const COMMAND = resolve(import.meta.dirname, "../../apps/cli/bin/fedlodrop.mjs");
const CLASSES = ["low", "middle", "high"];

const [directory, ...asked] = process.argv.slice(2);
if (directory === undefined) throw new Error("families: expected a folder for the runs");

for (const name of asked.length > 0 ? asked : [...DECODERS, ...ENCODERS]) {
  const folder = resolve(directory, name);
  mkdirSync(folder, { recursive: true });
  const report = federate(name, folder);
  fedlodrop("export", join(folder, "run"), "--peft", join(folder, "peft"));
  writeFileSync(join(folder, "logits.json"), JSON.stringify(await logitsWith(name, report, folder)));
  const [before, after] = [report.baseTestLoss, report.finalTestLoss].map((loss) => loss?.toFixed(3));
  const outcomes = report.rounds.flatMap(({ participants }) => participants.map(({ outcome }) => outcome));
  const aggregated = outcomes.filter((outcome) => outcome === "aggregated").length;
  console.log(
    `${name.padEnd(10)} ${aggregated} of ${outcomes.length} updates of two tabs aggregated in ${report.rounds.length} rounds, held-out loss ${before} → ${after}`,
  );
  if (outcomes.length === 0 || aggregated < outcomes.length || !((report.finalTestLoss ?? 0) > 0))
    process.exitCode = 1;
}

function federate(name: string, folder: string): RunReport {
  const isLabelled = ENCODERS.includes(name);
  const rows = Array.from({ length: 120 }, (_, row) => {
    const text = `the cat sat on mat ${row} and looked at dog ${row % 3}`;
    return isLabelled ? `${text},${CLASSES[row % 3]}` : text;
  });
  const task = join(folder, "texts.csv");
  writeFileSync(task, [isLabelled ? "text,label" : "text", ...rows].join("\n"));
  fedlodrop(
    ...["federate", "--tabs", "2", "--backend", "wasm", "--model", folderOf(name), "--task", task],
    ...["--rounds", "2", "--local-steps", "4", "--batch-size", "4", "--sequence-length", "32"],
    ...["--evaluation-samples", "8", "--seed", "7", "--out", join(folder, "run")],
  );
  return JSON.parse(readFileSync(join(folder, "run/report.json"), "utf8")) as RunReport;
}

/** Of the fixture's windows or sequences under the run's adapter, in Node. */
async function logitsWith(name: string, { config }: RunReport, folder: string): Promise<number[]> {
  const verified = await openVerified(name);
  const file = readFileSync(join(folder, "run/adapter.safetensors"));
  const engine = await openWasmEngine(nodeHost(1));
  await uploadWeights(engine, verified.model, "f32");
  const logits = await logitsOf(engine, {
    ...verified,
    ...openAdapterFile(verified.model.config, config, file),
  });
  engine.dispose();
  return logits;
}

function fedlodrop(...args: readonly string[]): void {
  execFileSync(process.execPath, [COMMAND, ...args], { stdio: ["ignore", "ignore", "pipe"] });
}
