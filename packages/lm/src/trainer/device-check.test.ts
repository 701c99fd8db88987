import { expect, test } from "vitest";
import { chooseBackend, pickBackend } from "./device-check.ts";

const hardware = { kind: "hardware", detail: "acme gpu" } as const;
const software = { kind: "software", detail: "SwiftShader" } as const;
const absent = { kind: "absent", detail: "no WebGPU here" } as const;

test.each([
  [hardware, true, undefined, "webgpu", /on this device's GPU \(acme gpu\)/],
  [software, true, undefined, "wasm", /emulated by the CPU, where WebAssembly is faster/],
  [absent, true, undefined, "wasm", /no usable GPU \(no WebGPU here\)/],
  [absent, false, undefined, "cpu", /neither a usable GPU nor WebAssembly/],
  [software, true, "webgpu", "webgpu", /as asked, on a GPU emulated by the CPU \(SwiftShader\)/],
  [absent, true, "webgpu", "wasm", /no usable GPU/],
  [hardware, true, "wasm", "wasm", /it was asked for/],
  [hardware, true, "cpu", "cpu", /it was asked for/],
  [hardware, false, "wasm", "webgpu", /on this device's GPU/],
] as const)(
  "%o with WASM %s and preference %s trains on %s",
  (webgpu, hasWasm, preferred, backend, reason) => {
    const choice = chooseBackend(webgpu, hasWasm, preferred);
    expect(choice.backend).toBe(backend);
    expect(choice.reason).toMatch(reason);
    expect(choice.webgpu).toBe(webgpu);
  },
);

test("Node has no WebGPU and trains on WASM", async () => {
  expect((await pickBackend()).backend).toBe("wasm");
});
