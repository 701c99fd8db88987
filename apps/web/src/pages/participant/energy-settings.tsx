/** Where the energy estimate comes from, and a way to correct it. */
import { TYPICAL_WATTS } from "@fedlodrop/device/page";
import type { Session } from "./session.ts";

export function EnergySettings({ session }: { readonly session: Session }) {
  const correction = session.correction.value;
  const typical = TYPICAL_WATTS[session.deviceKind()];
  const change = (field: "computeWatts" | "batteryWattHours") => (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    if (!input.reportValidity()) return;
    session.correctProfile({ ...correction, [field]: input.value === "" ? undefined : input.valueAsNumber });
  };
  return (
    <section class="card">
      <details>
        <summary>Energy estimate</summary>
        <p>
          Browsers do not tell joules. This device is taken for: {typical.title.toLowerCase()},{" "}
          {typical.computeWatts} W while training and {typical.radioWatts} W while sending. Correct it if you
          know better; with the battery's size given, a browser that reports its level gives a measured
          estimate.
        </p>
        <div class="columns">
          <label>
            <span class="field-name">Watts while training</span>
            <input
              type="number"
              min="0.1"
              max="2000"
              step="any"
              placeholder={String(typical.computeWatts)}
              value={correction.computeWatts ?? ""}
              onChange={change("computeWatts")}
            />
          </label>
          <label>
            <span class="field-name">Battery size in watt-hours</span>
            <input
              type="number"
              min="1"
              max="1000"
              step="any"
              placeholder="unknown"
              value={correction.batteryWattHours ?? ""}
              onChange={change("batteryWattHours")}
            />
          </label>
        </div>
      </details>
    </section>
  );
}
