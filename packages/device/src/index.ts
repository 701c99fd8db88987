/** A participant's device: whoever starts one gives it messages and hears what it says. */
export { createDevice, type DeviceOptions } from "./device.ts";
export * from "./page.ts";
