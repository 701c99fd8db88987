/** Compiles the AssemblyScript kernels of packages/lm: the same sources, four builds. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { KernelBuild } from "../../packages/lm/src/engines/wasm/build.ts";

/** AssemblyScript's, as far as it is used here: it is installed apart, so its types are not there to check against. */
interface Compiler {
  readonly main: (
    args: readonly string[],
    io: { writeFile(name: string, contents: string | Uint8Array): void },
  ) => Promise<{ readonly error: Error | null; readonly stderr: object }>;
}

const COMPILER = new URL("node_modules/assemblyscript/dist/asc.js", import.meta.url);
/** It is not among the project's dependencies: nine changes of ten need none of its 100 MB. */
export const hasCompiler = existsSync(COMPILER);

const LM = fileURLToPath(new URL("../../packages/lm/", import.meta.url));
/** 4 GiB: what an imported memory may have at most. */
const MOST_PAGES = 65_536;

/** @returns the bytes of the build, the same for the same sources. @throws the compiler's messages */
export async function compileKernels({ isRelaxed, isThreaded }: KernelBuild): Promise<Uint8Array> {
  const features = ["simd", ...(isRelaxed ? ["relaxed-simd"] : []), ...(isThreaded ? ["threads"] : [])];
  const output = new Map<string, Uint8Array>();
  const asc = (await import(COMPILER.href)).default as Compiler;
  const { error, stderr } = await asc.main(
    [
      "assembly/main.ts",
      ...["--baseDir", LM, "--outFile", "kernels.wasm", "--runtime", "stub"],
      ...["-O3", "--noAssert", "--noExportMemory", "--disableWarning", "112"], // 112: v128 between functions
      ...["--importMemory", "--initialMemory", "1", "--maximumMemory", `${MOST_PAGES}`],
      ...["--enable", features.join(",")],
      ...(isThreaded ? ["--sharedMemory"] : []),
    ],
    {
      writeFile: (name: string, contents: string | Uint8Array) =>
        void output.set(name, contents as Uint8Array),
    },
  );
  const bytes = output.get("kernels.wasm");
  if (error || !bytes) throw new Error(`kernels: ${stderr.toString() || error?.message}`);
  return bytes;
}
