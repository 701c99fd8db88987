/** `fedlodrop export`: what a run trained, in the forms that the rest of the world loads. */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { adapterToGguf, mergeAdapter, openAdapterFile } from "@fedlodrop/lm";
import { readModel } from "@fedlodrop/lm/node";
import { isSmallModelFile } from "@fedlodrop/run";
import { findModel, nameForPeft } from "./find-model.ts";
import { describeFlags, type Flag, onlyOperand, parseFlags } from "./flags.ts";
import { writeMergedModel } from "./merged-model.ts";
import { readReport } from "./report-file.ts";
import { peftFiles } from "./start-adapter.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  { name: "peft", value: "DIR", help: "adapter_config.json, adapter_model.safetensors and a model card" },
  {
    name: "gguf-lora",
    value: "FILE",
    help: "the adapter as llama.cpp takes it beside a model (--lora FILE)",
  },
  { name: "merged", value: "DIR", help: "the whole model with the adapter added to its weights" },
  { name: "model", value: "DIR|ORG/NAME", help: "base model, where it is no longer where the run had it" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop export RUN: writes what a run trained, from its report folder RUN.

Usage: fedlodrop export RUN [--peft DIR] [--gguf-lora FILE] [--merged DIR]

${describeFlags(FLAGS)}

Example:
  fedlodrop export runs/mine --peft adapter     # then in Python: PeftModel.from_pretrained(base, "adapter")
`;

export async function exportRun(args: readonly string[]): Promise<void> {
  const operands: string[] = [];
  const given = parseFlags(args, FLAGS, operands);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const run = onlyOperand(operands, "run folder");
  const [peft, gguf, merged] = ["peft", "gguf-lora", "merged"].map((name) => given.get(name)) as (
    | string
    | undefined
  )[];
  if (peft === undefined && gguf === undefined && merged === undefined)
    throw new UsageError("expected --peft DIR, --gguf-lora FILE or --merged DIR");

  const { report } = await readReport(run);
  const { config } = report;
  const named = (given.get("model") as string | undefined) ?? config.model;
  const modelDirectory = await findModel(named, (line) => process.stderr.write(`${line}\n`));
  const { model } = await readModel(modelDirectory);
  const { shape, adapter } = openAdapterFile(model.config, config, await adapterOf(run));
  if (peft !== undefined) {
    await mkdir(peft, { recursive: true });
    for (const { name, bytes } of peftFiles(
      model.config,
      shape,
      adapter,
      nameForPeft(named, modelDirectory),
      report,
    ))
      await writeFile(join(peft, name), bytes);
    process.stdout.write(`peft    ${peft}\n`);
  }
  if (gguf !== undefined) {
    await writeFile(gguf, adapterToGguf(model.config, shape, adapter));
    process.stdout.write(`gguf    ${gguf}\n`);
  }
  if (merged === undefined) return;
  if (shape.dense.length > 0)
    throw new Error("export: a classifier's head is no part of the base model; use --peft, which has it");
  await mkdir(merged, { recursive: true });
  await writeMergedModel(mergeAdapter(model, shape, adapter), join(merged, "model.safetensors"));
  for (const file of (await readdir(modelDirectory)).filter(isSmallModelFile))
    await copyFile(join(modelDirectory, file), join(merged, file));
  process.stdout.write(`merged  ${merged}\n`);
}

async function adapterOf(run: string): Promise<Uint8Array> {
  const path = join(run, "adapter.safetensors");
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`${path}: cannot be read (${cause.code})`, { cause });
  });
}
