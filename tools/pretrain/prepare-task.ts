/** Prints a task as JSON, split among devices as the product splits it: `npx tsx prepare-task.ts NAME DEVICES [SEED]`. */
import { taskDefinition } from "../../packages/tasks/src/index.ts";
import { prepareTask } from "../../packages/tasks/src/node/index.ts";

const [name = "presidents", devices = "4", seed = "0"] = process.argv.slice(2);
const { split, samplesPerDevice } = taskDefinition(name).recommended;
const task = await prepareTask(name, { devices: Number(devices), rule: split, seed, samplesPerDevice });
process.stdout.write(JSON.stringify(task));
