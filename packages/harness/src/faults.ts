/** What happens to participants in life: they vanish, freeze, crawl, lose the network and reload. */
import type { Worker } from "playwright-core";
import type { LinkConditions } from "./lane.ts";
import type { Participant } from "./participants.ts";

/** The tab is gone, without a goodbye. */
export async function kill(participant: Participant): Promise<void> {
  participant.link.cut();
  await participant.close();
}

/** Reloads the page; the same identity is expected to come back. */
export async function reload(participant: Participant): Promise<void> {
  await participant.page.reload();
}

/** No network, open connections included, until `online`. */
export async function offline(participant: Participant): Promise<void> {
  await participant.context.setOffline(true);
  participant.link.cut();
}

export async function online(participant: Participant): Promise<void> {
  participant.link.restore();
  await participant.context.setOffline(false);
}

/** What the participant's link is like from now on; nothing leaves it as it is. */
export function shapeLink(participant: Participant, conditions: LinkConditions): void {
  participant.link.shape(conditions);
}

/**
 * Stops the device worker's thread dead for `seconds`: no step, no heartbeat. Returns as it begins. What the worker was at
 * then may still be on its way; freeze it in a pause to know that a round finds it standing still.
 */
export async function freeze(participant: Participant, seconds: number): Promise<void> {
  await deviceWorker(participant).evaluate((milliseconds) => {
    // Sleeps rather than spins, so that a frozen tab takes no CPU from the others.
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    setTimeout(() => Atomics.wait(new Int32Array(memory.buffer), 0, 0, milliseconds), 0);
  }, seconds * 1000);
}

/**
 * Makes the device worker `factor` times slower from now on: whenever its event loop comes round, it sleeps for
 * `factor − 1` times what went before. (Chromium's own CPU throttling reaches workers only in part: a rate of 8
 * made one 2 times slower.) On WebGPU only the worker's own share of a step slows down, not the GPU.
 */
export async function slow(participant: Participant, factor: number): Promise<void> {
  if (!(factor >= 1)) throw new Error(`slow: expected a factor of at least 1, got ${factor}`);
  await deviceWorker(participant).evaluate((factor) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const cell = new Int32Array(memory.buffer);
    let wokeAt = performance.now();
    setInterval(() => {
      Atomics.wait(cell, 0, 0, (factor - 1) * (performance.now() - wokeAt));
      wokeAt = performance.now();
    }, 0);
  }, factor);
}

/**
 * The device's clock is wrong from now on: by `offsetSeconds`, and running `rate` times as fast as others do. What it
 * reports of its seconds is wrong with it; its timers are not.
 */
export async function skewClock(
  participant: Participant,
  { offsetSeconds = 0, rate = 1 }: { readonly offsetSeconds?: number; readonly rate?: number },
): Promise<void> {
  if (!(rate > 0)) throw new Error(`skewClock: expected a rate above 0, got ${rate}`);
  await deviceWorker(participant).evaluate(
    ([offsetMs, rate]) => {
      const wrong = (read: () => number): (() => number) => {
        const since = read();
        return () => since + offsetMs + rate * (read() - since);
      };
      Date.now = wrong(Date.now.bind(Date));
      performance.now = wrong(performance.now.bind(performance));
    },
    [offsetSeconds * 1000, rate] as const,
  );
}

/** The GPU goes away under the device, as when its driver restarts. Throws when the device has none. */
export async function loseDevice(participant: Participant): Promise<void> {
  const lost = await deviceWorker(participant).evaluate(() => {
    const devices = (globalThis as { fedlodropDevices?: { destroy(): void }[] }).fedlodropDevices ?? [];
    for (const device of devices) device.destroy();
    return devices.length;
  });
  if (lost === 0) throw new Error(`${participant.nickname}: expected a device on WebGPU, got none to lose`);
}

/** Has a worker remember its GPU devices from its first line on, so that `loseDevice` finds them. */
export function rememberDevices(worker: Worker): void {
  const remembering = worker.evaluate(() => {
    const scope = globalThis as unknown as {
      fedlodropDevices: object[];
      GPUAdapter?: { prototype: { requestDevice(...args: unknown[]): Promise<object> } };
    };
    const { GPUAdapter } = scope;
    if (!GPUAdapter) return;
    scope.fedlodropDevices = [];
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (...args) {
      const device = await requestDevice.apply(this, args);
      scope.fedlodropDevices.push(device);
      return device;
    };
  });
  remembering.catch(() => {}); // gone before it began
}

function deviceWorker(participant: Participant): Worker {
  const [worker] = participant.page.workers();
  if (!worker) throw new Error(`${participant.nickname}: expected a running device worker, got none`);
  return worker;
}
