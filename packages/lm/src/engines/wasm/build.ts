/** The four builds of the kernels, and which of them runs here. `npm run kernels -w packages/lm` makes them anew. */

export interface KernelBuild {
  readonly file: string;
  /** Products are fused multiply-adds. */
  readonly isRelaxed: boolean;
  readonly isThreaded: boolean;
}

export const KERNEL_BUILDS: readonly KernelBuild[] = [
  { file: "kernels-relaxed-threads.wasm", isRelaxed: true, isThreaded: true },
  { file: "kernels-plain-threads.wasm", isRelaxed: false, isThreaded: true },
  { file: "kernels-relaxed.wasm", isRelaxed: true, isThreaded: false },
  { file: "kernels-plain.wasm", isRelaxed: false, isThreaded: false },
];

/**
 * Modules of a few bytes that use one instruction each. What `validate` says of them is what the browser can run:
 * f32x4.relaxed_madd, i32x4.splat, and a shared memory.
 */
const RELAXED = module(
  [0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b],
  [0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02, 0x0b],
);
const SIMD = module([0x60, 1, 0x7f, 1, 0x7b], [0x20, 0, 0xfd, 0x11, 0x0b]);

export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED);

/** Picks a build. @throws one line naming what is missing when not even SIMD is there */
export function pickBuild(wantsThreads: boolean): KernelBuild {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD))
    throw new Error("WASM: expected WebAssembly with SIMD (128-bit), which this browser does not have");
  const isRelaxed = hasRelaxedSimd();
  return KERNEL_BUILDS.find(
    (build) => build.isRelaxed === isRelaxed && build.isThreaded === wantsThreads,
  ) as KernelBuild;
}

/** A module of one function, given its type and its instructions. */
function module(type: readonly number[], code: readonly number[]): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: readonly number[]): number[] => [id, content.length, ...content];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, ...type]),
    ...section(3, [1, 0]),
    ...section(10, [1, code.length + 1, 0, ...code]),
  ]);
}
