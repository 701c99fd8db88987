/** What this device trains on, and why, in the reader's language. */
import type { BackendChoice } from "@fedlodrop/lm";
import { say } from "../../words/words.ts";

export function backendWords(choice: BackendChoice | null): string | undefined {
  if (choice === null) return undefined;
  const { backend, wasAsked, webgpu } = choice;
  const { detail, missing = "interface" } = webgpu;
  switch (backend) {
    case "webgpu":
      return say(webgpu.kind === "software" ? "device.gpu-emulated" : "device.gpu", { detail });
    case "wasm":
      if (wasAsked) return say("device.wasm-asked");
      return webgpu.kind === "software"
        ? say("device.wasm-emulated")
        : say("device.wasm-no-gpu", { why: say(`gpu.${missing}`) });
    case "cpu":
      return say(wasAsked ? "device.cpu-asked" : "device.cpu");
    default:
      return backend satisfies never;
  }
}
