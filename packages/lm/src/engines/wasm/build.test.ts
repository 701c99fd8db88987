import { afterEach, expect, test, vi } from "vitest";
import { KERNEL_BUILDS, pickBuild } from "./build.ts";

afterEach(() => vi.restoreAllMocks());

/** Makes `validate` refuse modules that hold this instruction. */
function withoutInstruction(bytes: readonly number[]): void {
  const validate = WebAssembly.validate;
  vi.spyOn(WebAssembly, "validate").mockImplementation(
    (module) => !(module as Uint8Array).join().includes(bytes.join()) && validate(module),
  );
}

test("the plain build serves where there is no relaxed SIMD", () => {
  withoutInstruction([0xfd, 0x85, 0x02]);
  expect(pickBuild(false).file).toBe("kernels-plain.wasm");
  expect(pickBuild(true).file).toBe("kernels-plain-threads.wasm");
});

test("what is missing is named in one line", () => {
  withoutInstruction([0xfd, 0x11]);
  expect(() => pickBuild(true)).toThrow(/^WASM: expected WebAssembly with SIMD .*$/);
});

test("the files differ in what they are made of", () => {
  expect(new Set(KERNEL_BUILDS.map(({ file }) => file)).size).toBe(4);
});
