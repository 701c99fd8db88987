/**
 * WebGPU outside browsers: Dawn, as npm's package `webgpu` has it. It is 130 MB, so that whoever wants it installs it beside
 * this package; servers and boards without a GPU do not.
 */

/** A name that is not looked at before it is wanted, by compilers and bundlers as little as here. */
const PACKAGE: string = "webgpu";

interface Dawn {
  /** Flags of Dawn, such as `backend=vulkan`. */
  create(flags: readonly string[]): { requestAdapter(): Promise<object | null> };
  /** Constants that browsers have as globals. */
  readonly globals: object;
}

/** Gives this thread the `navigator.gpu` of a browser; false when the package is not installed or does not load here, and where
 *  it finds no GPU. */
export async function provideGpu(): Promise<boolean> {
  try {
    const dawn = (await import(PACKAGE)) as Dawn;
    const gpu = dawn.create([]);
    Object.assign(globalThis, dawn.globals);
    const scope = globalThis as { navigator?: object };
    // Node has a navigator since version 21.
    if (scope.navigator === undefined) Object.defineProperty(scope, "navigator", { value: {} });
    Object.defineProperty(scope.navigator, "gpu", { value: gpu });
    return (await gpu.requestAdapter()) !== null;
  } catch {
    return false;
  }
}
