/** Prints a task as JSON, split among devices as the product splits it: `npx tsx prepare-task.ts NAME DEVICES [SAMPLES]`. */
import { taskDefinition } from "../../packages/tasks/src/index.ts";
import { prepareTask } from "../../packages/tasks/src/node/index.ts";

const [name = "presidents", devices = "4", samples] = process.argv.slice(2);
const { recommended } = taskDefinition(name);
const samplesPerDevice = samples === undefined ? recommended.samplesPerDevice : Number(samples);
const options = { devices: Number(devices), rule: recommended.split, seed: "0", samplesPerDevice };
const { definition, ...texts } = await prepareTask(name, options);
const settings = { ...definition, recommended: { ...recommended, samplesPerDevice } };
process.stdout.write(JSON.stringify({ definition: settings, ...texts }));
