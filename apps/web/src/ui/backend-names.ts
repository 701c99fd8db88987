/** What a device trains on, by the name that it has in every language; a report may have another. */
const NAMES: Readonly<Record<string, string>> = { webgpu: "WebGPU", wasm: "WASM", cpu: "JavaScript" };

export const backendName = (backend: string): string => NAMES[backend] ?? backend;
