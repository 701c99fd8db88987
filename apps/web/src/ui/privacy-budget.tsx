/** What a run gives away, and who sees what of it, where it promises anything: the same on both pages. */
import type { RunConfig } from "@fedlodrop/run";
import { privacyWords } from "./privacy-words.ts";

interface PrivacyBudgetProps {
  readonly config: Pick<RunConfig, "differentialPrivacy" | "secureAggregation">;
  /** Given away so far. */
  readonly epsilon: number;
}

export function PrivacyBudget({ config, epsilon }: PrivacyBudgetProps) {
  const { differentialPrivacy: terms, secureAggregation } = config;
  if (terms === null && !secureAggregation) return null;
  return (
    <section class="card" data-testid="privacy">
      <h2>Privacy</h2>
      {terms !== null && (
        <>
          <p class="number">
            ε <span data-testid="epsilon">{epsilon.toFixed(2)}</span> of {terms.epsilon} used, δ {terms.delta}
          </p>
          <progress
            aria-label="Privacy budget used"
            max={terms.epsilon}
            value={Math.min(epsilon, terms.epsilon)}
          />
        </>
      )}
      <table class="who-sees">
        <caption>Who sees what</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">the device</th>
            <th scope="col">coordinator</th>
            <th scope="col">everybody</th>
          </tr>
        </thead>
        <tbody>
          {sight(terms !== null, secureAggregation).map(([what, ...who]) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              {who.map((sees, place) => (
                <td key={place}>{sees ? "● sees" : "○ no"}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <small>
        {secureAggregation &&
          "Devices mask their updates for each other; what the coordinator adds up has no masks only as a whole. "}
        {terms !== null &&
          `In the whole run: ${privacyWords(terms.epsilon, terms.delta)} The run ends when the budget is used. `}
        Losses and counts that devices report are not covered.
      </small>
    </section>
  );
}

/** Of texts that a device brought itself. */
const sight = (isNoisy: boolean, isMasked: boolean) =>
  [
    ["its own texts", true, false, false],
    ["its update", true, !isMasked, false],
    [isNoisy ? "all updates' mean, with noise" : "all updates' mean", true, true, true],
  ] as const;
