/** The constants that the bound is made of, as they stand. */
import type { BoundEstimate } from "@fedlodrop/run";
import { Figure } from "../../ui/figure.tsx";
import { formatEstimate, formatPercent, significant } from "../../ui/format.ts";
import { forResearchers, term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";

export function BoundConstants({ constants }: { readonly constants: BoundEstimate }) {
  const { source, rateCap } = constants;
  const figures = [
    ["loss-range", constants.lossRange],
    ["gradient-norm", constants.gradientNorm],
    ["ridge", constants.ridge],
    ["curvature", constants.minCurvature],
    ["examples", constants.exampleCount],
    ["confidence", constants.confidence],
  ] as const;
  const estimates = [
    ["gap-scale", constants.gapScale, constants.gapScaleError],
    ["variance", constants.varianceCoefficient, constants.varianceError],
  ] as const;
  return (
    <details>
      <summary>{term(source === "default" ? "bound.default" : "bound.estimated")}</summary>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <Figure key={name} term={term(`bound.${name}`)} value={significant(value, 4)}>
            {say(`bound.${name}.about`)}
          </Figure>
        ))}
        {estimates.map(([name, value, error]) => (
          <Figure
            key={name}
            term={term(`bound.${name}`)}
            value={formatEstimate(value, error)}
            testId={`bound-${name}`}
          >
            {say(`bound.${name}.about`)} {error > 0 && errorWords()}
          </Figure>
        ))}
        <Figure
          term={term("bound.rate-cap")}
          value={rateCap === null ? say("unknown") : formatPercent(rateCap)}
        >
          {say("bound.rate-cap.about")}
        </Figure>
      </dl>
    </details>
  );
}

const errorWords = (): string => `${say("bound.error.about")} ${forResearchers(say("bound.error.terms"))}`;
