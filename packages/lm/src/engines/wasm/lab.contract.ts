/** What browser.test.ts runs in a worker of a real Chromium. */
import { serveLab } from "../../../lab/worker-lab.ts";
import { engineChecks } from "../engine.contract.ts";
import { browserHost } from "./browser-host.ts";
import { openWasmEngine } from "./open.ts";
import { joinTabs, type Tabs } from "./tabs.ts";

/** With all threads, whoever else is there. */
const open = () => {
  const { joinTabs: _, ...host } = browserHost();
  return openWasmEngine({ ...host, smallestShared: 0 });
};
let tabs: Tabs | undefined;

serveLab({
  device: async () => {
    const engine = await openWasmEngine(browserHost());
    engine.dispose();
    return engine.description.device;
  },

  /** Whether this tab, as one on two cores, finds itself crowded. */
  isCrowded: async () => {
    tabs ??= await joinTabs(navigator.locks, 2);
    return tabs.isCrowded;
  },

  /** Names of the checks that fail, with why. */
  check: async () => {
    const failures: string[] = [];
    for (const { name, check } of engineChecks)
      await check(open).catch((error: unknown) => failures.push(`${name}: ${error}`));
    return failures;
  },
});
