/**
 * Whether the WebGPU probe's quick timings choose well: each form's median in a loop of another make, one kernel a
 * submission and many turns, beside what was chosen. `npx tsx bench/probe-choices.ts`
 */
import { openLab } from "../packages/lm/lab/open-lab.ts";

type Choices = Record<string, { readonly chosen: string; readonly medians: Record<string, number> }>;

const contract = new URL("../packages/lm/src/engines/webgpu/webgpu-lab.contract.ts", import.meta.url);
const lab = await openLab(contract.pathname);
try {
  const page = await lab.openPage();
  for (const [kernel, { chosen, medians }] of Object.entries(await page.call<Choices>("choices"))) {
    const fastest = Math.min(...Object.values(medians));
    const forms = Object.entries(medians).map(([form, median]) => `${form} ${median.toFixed(1)}`);
    const lost = (medians[chosen] as number) / fastest;
    console.log(
      `${kernel.padEnd(26)} chose ${chosen.padEnd(12)} ${lost.toFixed(2)} × the fastest   (ms: ${forms.join(", ")})`,
    );
  }
} finally {
  await lab.close();
}
