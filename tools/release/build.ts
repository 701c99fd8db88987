/** Builds every public package into node_modules/.cache/release: `npm run stage`, then `npm pack` each folder. */
import { stagePackages } from "./stage.ts";

for (const folder of await stagePackages(console.log)) console.log(folder);
