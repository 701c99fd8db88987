/** Where a device may train: on a graphics adapter, in WebAssembly, or in plain JavaScript (tests). */
export const BACKENDS = ["webgpu", "wasm", "cpu"] as const;
export type Backend = (typeof BACKENDS)[number];
