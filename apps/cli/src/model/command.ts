/** `fedlodrop model`: the models of a hub that this machine has. */
import { describeFlags, type Flag, type GivenFlags, parseFlags } from "../flags.ts";
import { openHub } from "../hub/hub.ts";
import { type ModelName, readModelName } from "../hub/model-name.ts";
import {
  addModel,
  findStored,
  modelsDirectory,
  removeModel,
  type StoredModel,
  storedModels,
} from "../hub/model-store.ts";
import { HUB_FLAG, hubOf } from "../hub-flag.ts";
import { bytes } from "../live-table.ts";
import { removeInBases } from "../quantised-model.ts";
import { UsageError } from "../usage-error.ts";
import { inspectModel } from "./inspect.ts";

const FLAGS: readonly Flag[] = [
  HUB_FLAG,
  { name: "batch-size", value: "B", help: "of inspect: samples in a step (4)" },
  { name: "sequence-length", value: "T", help: "of inspect: tokens of a sample (64)" },
  { name: "json", help: "print the answer as JSON on stdout" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop model: models of a Hugging Face hub, kept on this machine so that runs need no network.

Usage: fedlodrop model add ORG/NAME[@REVISION]
       fedlodrop model list
       fedlodrop model inspect ORG/NAME|DIR|base
       fedlodrop model rm ORG/NAME[@REVISION]

${describeFlags(FLAGS)}

They lie in ${modelsDirectory()} (FEDLODROP_CACHE). A download that is cut off goes on where it ended; every file is
held to the hub's hash. HF_TOKEN opens private models and those whose terms you have accepted.

Example:
  fedlodrop model add HuggingFaceTB/SmolLM2-135M
  fedlodrop serve --model HuggingFaceTB/SmolLM2-135M
`;

const ACTIONS: Readonly<Record<string, (name: string | undefined, given: GivenFlags) => Promise<void>>> = {
  add,
  list: async (name, given) => {
    if (name !== undefined) throw new UsageError(`model list: expected nothing more, got "${name}"`);
    await list(given);
  },
  inspect: async (name, given) => {
    if (name === undefined) throw new UsageError("model inspect: expected ORG/NAME, a folder or base");
    await inspectModel(name, given, sayOver);
  },
  rm: remove,
};

export async function model(args: readonly string[]): Promise<void> {
  const operands: string[] = [];
  const given = parseFlags(args, FLAGS, operands);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const [action = "", name, extra] = operands;
  if (!Object.hasOwn(ACTIONS, action))
    throw new UsageError(`expected ${Object.keys(ACTIONS).join(", ")}, got "${action}"`);
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
  await ACTIONS[action]?.(name, given);
}

async function add(text: string | undefined, given: GivenFlags): Promise<void> {
  const stored = await addModel(openHub(hubOf(given)), nameOf("add", text), { say: sayOver });
  if (given.has("json")) return print(stored);
  process.stdout.write(
    `${stored.id}  ${bytes(stored.bytes)}  commit ${stored.commit.slice(0, 12)}\n${stored.directory}\n`,
  );
}

async function list(given: GivenFlags): Promise<void> {
  const models = await storedModels();
  if (given.has("json")) return print(models);
  if (models.length === 0) process.stdout.write("no models yet; fedlodrop model add ORG/NAME fetches one\n");
  const width = Math.max(...models.map(({ id }) => id.length));
  for (const one of models)
    process.stdout.write(
      `${one.id.padEnd(width)}  ${one.commit.slice(0, 12)}  ${bytes(one.bytes).padStart(9)}  ${one.revisions.join(", ")}\n`,
    );
}

async function remove(text: string | undefined): Promise<void> {
  const name = nameOf("rm", text);
  // Without a revision, all of them.
  const isMeant = ({ id }: StoredModel): boolean => id === name.id;
  const one = await findStored(name);
  const meant = text?.includes("@") ? (one ? [one] : []) : (await storedModels()).filter(isMeant);
  if (meant.length === 0) throw new Error(`model: ${text} is not here; fedlodrop model list shows what is`);
  for (const stored of meant) {
    await removeInBases(stored.directory);
    await removeModel(stored);
    process.stdout.write(`removed  ${stored.id} ${stored.commit.slice(0, 12)}, ${bytes(stored.bytes)}\n`);
  }
}

function nameOf(action: string, text: string | undefined): ModelName {
  const name = text === undefined ? null : readModelName(text);
  if (name === null)
    throw new UsageError(`model ${action}: expected ORG/NAME[@REVISION], got "${text ?? ""}"`);
  return name;
}

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

/** On a terminal a line takes the place of the one before. */
function sayOver(line: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}
