/** A fresh run with other settings. Only what the host changed is sent, so that the task's own defaults stay. */
import {
  AGGREGATIONS,
  type Aggregation,
  BASE_TYPES,
  type BaseType,
  METHODS,
  type Method,
  type RunConfig,
  type RunOverrides,
} from "@fedlodrop/run";
import { useSignal } from "@preact/signals";
import type { CommandProps } from "./controls.tsx";
import { METHOD_WORDS } from "./methods.ts";

const AGGREGATION_WORDS: Readonly<Record<Aggregation, string>> = {
  mean: "mean: every update as it comes",
  "clipped-mean": "mean of bounded updates",
  "trimmed-mean": "mean without the extremes",
  median: "median of each value",
  krum: "mean of those in close company",
};

const BASE_WORDS: Readonly<Record<BaseType, string>> = {
  f32: "f32: as they are",
  f16: "f16: half the memory",
  int8: "int8: a quarter",
  int4: "int4: an eighth, and a little worse",
};

export function RunSettings({ view: { config, phase, availableTasks, runId }, command }: CommandProps) {
  const changes = useSignal<RunOverrides>({});
  const chosen = changes.value;
  const set = (fields: RunOverrides): void => {
    changes.value = { ...chosen, ...fields };
  };
  const trainingValue = (name: "localSteps" | "batchSize" | "learningRate"): number =>
    chosen.training?.[name] ?? config.training[name];
  const apply = (event: Event): void => {
    event.preventDefault();
    command({ kind: "configure", config: chosen });
    changes.value = {};
  };
  const busy = phase !== "lobby" && phase !== "paused" && phase !== "ended";
  return (
    <section class="card" data-testid="run-settings">
      <details open={phase === "ended"}>
        <summary>New run</summary>
        <form onSubmit={apply}>
          <fieldset disabled={busy}>
            <div class="columns">
              <label>
                <span class="field-name">Task</span>
                <select
                  value={chosen.task ?? config.task}
                  onChange={(event) => set({ task: event.currentTarget.value })}
                >
                  {availableTasks.map(({ name, title }) => (
                    <option key={name} value={name}>
                      {title}
                    </option>
                  ))}
                </select>
              </label>
              <Whole name="Rounds" value={chosen.rounds ?? config.rounds} set={(rounds) => set({ rounds })} />
              <Whole
                name="Local steps E"
                value={trainingValue("localSteps")}
                set={(localSteps) => set({ training: { ...chosen.training, localSteps } })}
              />
              <Whole
                name="Batch size"
                value={trainingValue("batchSize")}
                set={(batchSize) => set({ training: { ...chosen.training, batchSize } })}
              />
              <label>
                <span class="field-name">Learning rate</span>
                <input
                  type="number"
                  required
                  min="0.000001"
                  max="1"
                  step="any"
                  value={trainingValue("learningRate")}
                  onChange={(event) =>
                    set({ training: { ...chosen.training, learningRate: event.currentTarget.valueAsNumber } })
                  }
                />
              </label>
              <Whole name="Rank r" value={chosen.rank ?? config.rank} set={(rank) => set({ rank })} />
              <Whole
                name="Data parts"
                value={chosen.devices ?? config.devices}
                set={(devices) => set({ devices })}
              />
              <label>
                <span class="field-name">Compare with, by turns</span>
                <select
                  data-testid="compare-with"
                  value={chosen.compareWith === undefined ? compared(config) : compared(chosen)}
                  onChange={({ currentTarget: { value } }) =>
                    set({
                      compareWith:
                        value === "" ? null : { method: value as Method, dropoutRate: config.dropoutRate },
                    })
                  }
                >
                  <option value="">nothing</option>
                  {METHODS.map((name) => (
                    <option key={name} value={name}>
                      {METHOD_WORDS[name].title}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                <span class="field-name">How texts are dealt</span>
                <select
                  value={(chosen.split ?? config.split).kind}
                  onChange={(event) =>
                    set({ split: SPLITS[event.currentTarget.value as RunConfig["split"]["kind"]] })
                  }
                >
                  <option value="natural">by their owner (differs between devices)</option>
                  <option value="iid">shuffled (alike on all devices)</option>
                  <option value="dirichlet">unevenly (Dirichlet, α = 0.5)</option>
                </select>
              </label>
              <label>
                <span class="field-name">How updates are put together</span>
                <select
                  value={chosen.aggregation ?? config.aggregation}
                  onChange={(event) => set({ aggregation: event.currentTarget.value as Aggregation })}
                >
                  {AGGREGATIONS.map((name) => (
                    <option key={name} value={name}>
                      {AGGREGATION_WORDS[name]}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                <span class="field-name">How the model's weights are held</span>
                <select
                  value={chosen.baseType ?? config.baseType}
                  onChange={(event) => set({ baseType: event.currentTarget.value as BaseType })}
                >
                  {BASE_TYPES.map((name) => (
                    <option key={name} value={name}>
                      {BASE_WORDS[name]}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                <span class="field-name">Links</span>
                <select
                  value={chosen.links ?? config.links}
                  onChange={(event) => set({ links: event.currentTarget.value as RunConfig["links"] })}
                >
                  <option value="measured">measured: the devices' own</option>
                  <option value="emulated">emulated: paced to a simulated radio cell</option>
                </select>
              </label>
              <Whole
                name="Devices to start with"
                value={chosen.minParticipants ?? config.minParticipants}
                set={(minParticipants) => set({ minParticipants })}
              />
              <label>
                <span class="field-name">Seed</span>
                <input
                  required
                  maxLength={64}
                  value={chosen.seed ?? config.seed}
                  onChange={(event) => set({ seed: event.currentTarget.value })}
                />
              </label>
            </div>
            <p class="row">
              <button type="submit">Set up the new run</button>
              <small>
                {busy
                  ? "Pause or stop the present run first."
                  : `Replaces run ${runId}; devices stay and load what it needs.`}
              </small>
            </p>
          </fieldset>
        </form>
      </details>
    </section>
  );
}

const compared = ({ compareWith }: RunOverrides): string => compareWith?.method ?? "";

const SPLITS: Readonly<Record<RunConfig["split"]["kind"], RunConfig["split"]>> = {
  natural: { kind: "natural" },
  iid: { kind: "iid" },
  dirichlet: { kind: "dirichlet", alpha: 0.5 },
};

interface WholeProps {
  readonly name: string;
  readonly value: number;
  readonly set: (value: number) => void;
}

function Whole({ name, value, set }: WholeProps) {
  return (
    <label>
      <span class="field-name">{name}</span>
      <input
        type="number"
        required
        min={1}
        step={1}
        value={value}
        onChange={(event) => set(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}
