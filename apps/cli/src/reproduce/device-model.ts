/** What a simulated device is taken to be: a profile with a speed, watts and a link. All of it is modelled, none measured. */
import type { Dataset } from "@fedlodrop/lm";
import type { DeviceFacts } from "@fedlodrop/protocol";

export interface SimulatedDevice<Texts = Dataset> {
  readonly id: string;
  readonly dataset: Texts;
  readonly facts: DeviceFacts;
  /** Bytes per second of its own link. */
  readonly link: { readonly up: number; readonly down: number };
}

/** One for each dataset. */
export const simulatedDevices = (datasets: readonly Dataset[]): readonly SimulatedDevice[] =>
  datasets.map((dataset, k) => ({ id: `p${k + 1}`, dataset, ...steadyLaptop(sampleCount(dataset)) }));

export const sampleCount = (dataset: Dataset): number =>
  dataset.kind === "language-model" ? dataset.windows.length : dataset.sequences.length;

/** On Wi-Fi, 0.1 s a step: what figures are counted in. */
export const steadyLaptop = (samples: number): Pick<SimulatedDevice, "facts" | "link"> => ({
  facts: {
    backend: "wasm",
    deviceDescription: "simulated",
    sampleCount: samples,
    firstStepSeconds: 0.2,
    stepSeconds: 0.1,
    roundTripSeconds: 0.02,
    energyProfile: {
      kind: "cpu",
      computeWatts: 15,
      radioWatts: 1,
      batteryWattHours: null,
      source: "modelled",
    },
  },
  link: { up: 250_000, down: 1_000_000 },
});
