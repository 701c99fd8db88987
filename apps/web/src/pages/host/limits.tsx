/** What the host may change at any time; it counts from the next round. */
import { METHODS, type Method, type RunChange } from "@fedlodrop/run";
import { useSignal } from "@preact/signals";
import { formatJoules, formatPercent, formatSeconds } from "../../ui/format.ts";
import { term, termInDocuments } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
import type { CommandProps } from "./controls.tsx";
import { choosesRates, usesFixedRate } from "./methods.ts";
import { positionOf, SLIDER_POSITIONS, type SliderScale, valueAt } from "./slider-scale.ts";

const DEADLINE_SECONDS: SliderScale = { least: 1, most: 600 };
const ENERGY_JOULES: SliderScale = { least: 1, most: 10_000 };
const RATE_STEPS = { most: 0.95, step: 0.05 };
const FIRST_ENERGY_LIMIT_JOULES = 100;

export function Limits({ view: { config, phase }, command }: CommandProps) {
  const change = (fields: RunChange): void => void command({ kind: "change", change: fields });
  const { method, dropoutRate, maxDropoutRate, deadlineSeconds, energyLimitJoules } = config;
  if (phase === "ended") return null;
  return (
    <section class="card" data-testid="limits">
      <div class="row between">
        <h2>{say("limits.title")}</h2>
        <small>{say("limits.next-round")}</small>
      </div>
      <div class="columns">
        <div class="field">
          <label>
            <span class="field-name">{say("limits.method")}</span>
            <select
              value={method}
              title={termInDocuments(`method.${method}`)}
              onChange={(event) => change({ method: event.currentTarget.value as Method })}
            >
              {METHODS.map((name) => (
                <option key={name} value={name} title={termInDocuments(`method.${name}`)}>
                  {term(`method.${name}`)}
                </option>
              ))}
            </select>
          </label>
          <small>{say(`method.${method}.about`)}</small>
        </div>
        {usesFixedRate(method) && (
          <RateSlider
            name={term("rate.dropout")}
            value={dropoutRate}
            sentence={say("limits.rate.about")}
            set={(rate) => change({ dropoutRate: rate })}
          />
        )}
        {choosesRates(method) && (
          <RateSlider
            name={term("rate.greatest")}
            value={maxDropoutRate}
            sentence={say("limits.greatest.about")}
            set={(rate) => change({ maxDropoutRate: rate })}
          />
        )}
        <ScaledSlider
          name={term("limit.deadline")}
          scale={DEADLINE_SECONDS}
          value={deadlineSeconds}
          format={formatSeconds}
          sentence={say("limits.deadline.about")}
          set={(seconds) => change({ deadlineSeconds: seconds })}
        />
        <div class="field">
          <label class="check">
            <input
              type="checkbox"
              checked={energyLimitJoules !== null}
              onChange={(event) =>
                change({ energyLimitJoules: event.currentTarget.checked ? FIRST_ENERGY_LIMIT_JOULES : null })
              }
            />
            {say("limits.energy")}
          </label>
          {energyLimitJoules !== null && (
            <ScaledSlider
              name={term("limit.energy")}
              scale={ENERGY_JOULES}
              value={energyLimitJoules}
              format={formatJoules}
              sentence={say("limits.energy.about")}
              set={(joules) => change({ energyLimitJoules: joules })}
            />
          )}
        </div>
      </div>
    </section>
  );
}

interface SliderProps {
  readonly name: string;
  readonly value: number;
  readonly sentence: string;
  readonly set: (value: number) => void;
}

function RateSlider({ name, value, sentence, set }: SliderProps) {
  const dragged = useSignal<number | null>(null);
  return (
    <div class="field">
      <label>
        <span class="field-name">
          {name} <output>{formatPercent(dragged.value ?? value)}</output>
        </span>
        <input
          type="range"
          min={0}
          max={RATE_STEPS.most}
          step={RATE_STEPS.step}
          value={dragged.value ?? value}
          onInput={(event) => {
            dragged.value = event.currentTarget.valueAsNumber;
          }}
          onChange={(event) => {
            set(event.currentTarget.valueAsNumber);
            dragged.value = null;
          }}
        />
      </label>
      <small>{sentence}</small>
    </div>
  );
}

interface ScaledSliderProps extends SliderProps {
  readonly scale: SliderScale;
  readonly format: (value: number) => string;
}

function ScaledSlider({ name, scale, value, format, sentence, set }: ScaledSliderProps) {
  const dragged = useSignal<number | null>(null);
  const shown = dragged.value === null ? value : valueAt(scale, dragged.value);
  return (
    <div class="field">
      <label>
        <span class="field-name">
          {name} <output>{format(shown)}</output>
        </span>
        <input
          type="range"
          min={0}
          max={SLIDER_POSITIONS}
          value={dragged.value ?? positionOf(scale, value)}
          aria-valuetext={format(shown)}
          onInput={(event) => {
            dragged.value = event.currentTarget.valueAsNumber;
          }}
          onChange={(event) => {
            set(valueAt(scale, event.currentTarget.valueAsNumber));
            dragged.value = null;
          }}
        />
      </label>
      <small>{sentence}</small>
    </div>
  );
}
