/** Writes the kernel builds beside their loader: `npm run kernels`, after a change in packages/lm/assembly. */
import { writeFile } from "node:fs/promises";
import { KERNEL_BUILDS } from "../../packages/lm/src/engines/wasm/build.ts";
import { compileKernels } from "./compile.ts";

for (const build of KERNEL_BUILDS) {
  const bytes = await compileKernels(build);
  await writeFile(new URL(`../../packages/lm/src/engines/wasm/${build.file}`, import.meta.url), bytes);
  console.log(`${build.file}: ${bytes.length} bytes`);
}
