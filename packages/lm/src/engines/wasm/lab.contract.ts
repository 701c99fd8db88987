/** What browser.test.ts runs in a worker of a real Chromium. */
import { serveLab } from "../../../lab/worker-lab.ts";
import { engineChecks } from "../engine.contract.ts";
import { browserHost } from "./browser-host.ts";
import { openWasmEngine } from "./open.ts";

const open = () => openWasmEngine({ ...browserHost(), smallestShared: 0 });

serveLab({
  device: async () => {
    const engine = await open();
    engine.dispose();
    return engine.description.device;
  },

  /** Names of the checks that fail, with why. */
  check: async () => {
    const failures: string[] = [];
    for (const { name, check } of engineChecks)
      await check(open).catch((error: unknown) => failures.push(`${name}: ${error}`));
    return failures;
  },
});
