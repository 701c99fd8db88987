/** Where the energy estimate comes from, and a way to correct it. */
import { TYPICAL_WATTS } from "@fedlodrop/device/page";
import { formatCount } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import type { Session } from "./session.ts";

export function EnergySettings({ session }: { readonly session: Session }) {
  const correction = session.correction.value;
  const kind = session.deviceKind();
  const typical = TYPICAL_WATTS[kind];
  const change = (field: "computeWatts" | "batteryWattHours") => (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    if (!input.reportValidity()) return;
    session.correctProfile({ ...correction, [field]: input.value === "" ? undefined : input.valueAsNumber });
  };
  return (
    <section class="card">
      <details>
        <summary>{say("watts.title")}</summary>
        <p>
          {say("watts.about", {
            kind: say(`kind.${kind}`),
            compute: typical.computeWatts,
            radio: typical.radioWatts,
          })}
        </p>
        <div class="columns">
          <label>
            <span class="field-name">{say("watts.training")}</span>
            <input
              type="number"
              min="0.1"
              max="2000"
              step="any"
              placeholder={formatCount(typical.computeWatts)}
              value={correction.computeWatts ?? ""}
              onChange={change("computeWatts")}
            />
          </label>
          <label>
            <span class="field-name">{say("watts.battery")}</span>
            <input
              type="number"
              min="1"
              max="1000"
              step="any"
              placeholder={say("unknown")}
              value={correction.batteryWattHours ?? ""}
              onChange={change("batteryWattHours")}
            />
          </label>
        </div>
      </details>
    </section>
  );
}
