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
import { keptText } from "../../ui/kept.ts";
import { term, termInDocuments } from "../../ui/symbols.tsx";
import { taskTitle } from "../../ui/task-words.ts";
import { say } from "../../words/words.ts";
import type { CommandProps } from "./controls.tsx";

/** What was chosen beside one run and not applied yet: the new run has another name, and what is refused can be mended. */
const kept = keptText("fedlodrop.new-run");

function chosenBeside(runId: string): RunOverrides {
  try {
    const choice: unknown = JSON.parse(kept.value || "null");
    if (typeof choice !== "object" || choice === null || !("chosen" in choice)) return {};
    return "runId" in choice && choice.runId === runId ? (choice.chosen as RunOverrides) : {};
  } catch {
    return {};
  }
}

export function RunSettings({ view: { config, phase, availableTasks, runId }, command }: CommandProps) {
  const chosen = chosenBeside(runId);
  const set = (fields: RunOverrides): void => {
    kept.value = JSON.stringify({ runId, chosen: { ...chosen, ...fields } });
  };
  const trainingValue = (name: "localSteps" | "batchSize" | "learningRate"): number =>
    chosen.training?.[name] ?? config.training[name];
  const apply = (event: Event): void => {
    event.preventDefault();
    command({ kind: "configure", config: chosen });
  };
  const busy = phase !== "lobby" && phase !== "paused" && phase !== "ended";
  return (
    <section class="card" data-testid="run-settings">
      <details open={phase === "ended"}>
        <summary>{say("settings.title")}</summary>
        <form onSubmit={apply}>
          <fieldset disabled={busy}>
            <div class="columns">
              <label>
                <span class="field-name">{say("settings.task")}</span>
                <select
                  value={chosen.task ?? config.task}
                  onChange={(event) => set({ task: event.currentTarget.value })}
                >
                  {availableTasks.map(({ name, title }) => (
                    <option key={name} value={name}>
                      {taskTitle(name, title)}
                    </option>
                  ))}
                </select>
              </label>
              <Whole
                name={say("settings.rounds")}
                value={chosen.rounds ?? config.rounds}
                set={(rounds) => set({ rounds })}
              />
              <Whole
                name={term("settings.local-steps")}
                value={trainingValue("localSteps")}
                set={(localSteps) => set({ training: { ...chosen.training, localSteps } })}
              />
              <Whole
                name={term("settings.batch")}
                value={trainingValue("batchSize")}
                set={(batchSize) => set({ training: { ...chosen.training, batchSize } })}
              />
              <label>
                <span class="field-name">{term("settings.learning-rate")}</span>
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
              <Whole
                name={term("settings.rank")}
                value={chosen.rank ?? config.rank}
                set={(rank) => set({ rank })}
              />
              <Whole
                name={say("settings.parts")}
                value={chosen.devices ?? config.devices}
                set={(devices) => set({ devices })}
              />
              <label>
                <span class="field-name">{say("settings.compare")}</span>
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
                  <option value="">{say("settings.compare-nothing")}</option>
                  {METHODS.map((name) => (
                    <option key={name} value={name} title={termInDocuments(`method.${name}`)}>
                      {term(`method.${name}`)}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                <span class="field-name">{say("settings.split")}</span>
                <select
                  value={(chosen.split ?? config.split).kind}
                  onChange={(event) =>
                    set({ split: SPLITS[event.currentTarget.value as RunConfig["split"]["kind"]] })
                  }
                >
                  <option value="natural">{say("split.natural")}</option>
                  <option value="iid">{say("split.iid")}</option>
                  <option value="dirichlet">{term("split.dirichlet")}</option>
                </select>
              </label>
              <label>
                <span class="field-name">{say("settings.aggregation")}</span>
                <select
                  value={chosen.aggregation ?? config.aggregation}
                  onChange={(event) => set({ aggregation: event.currentTarget.value as Aggregation })}
                >
                  {AGGREGATIONS.map((name) => (
                    <option key={name} value={name}>
                      {say(`aggregation.${name}`)}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                <span class="field-name">{say("settings.weights")}</span>
                <select
                  value={chosen.baseType ?? config.baseType}
                  onChange={(event) => set({ baseType: event.currentTarget.value as BaseType })}
                >
                  {BASE_TYPES.map((name) => (
                    <option key={name} value={name}>
                      {say(`base.${name}`)}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                <span class="field-name">{say("settings.links")}</span>
                <select
                  value={chosen.links ?? config.links}
                  onChange={(event) => set({ links: event.currentTarget.value as RunConfig["links"] })}
                >
                  <option value="measured">{say("links.measured")}</option>
                  <option value="emulated">{say("links.emulated")}</option>
                </select>
              </label>
              <Whole
                name={say("settings.least")}
                value={chosen.minParticipants ?? config.minParticipants}
                set={(minParticipants) => set({ minParticipants })}
              />
              <label>
                <span class="field-name">{term("settings.seed")}</span>
                <input
                  required
                  maxLength={64}
                  value={chosen.seed ?? config.seed}
                  onChange={(event) => set({ seed: event.currentTarget.value })}
                />
              </label>
            </div>
            <p class="row">
              <button type="submit">{say("settings.apply")}</button>
              <small>{busy ? say("settings.busy") : say("settings.replaces", { run: runId })}</small>
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
