/** What a run gives away, and who sees what of it, where it promises anything: the same on both pages. */
import type { RunConfig } from "@fedlodrop/run";
import { say } from "../words/words.ts";
import { formatFixed, formatPercent } from "./format.ts";
import { sentences } from "./joined.ts";
import { privacyWords, textsPrivacyWords } from "./privacy-words.ts";
import { forResearchers } from "./symbols.tsx";

interface PrivacyBudgetProps {
  readonly config: Pick<RunConfig, "differentialPrivacy" | "examplePrivacy" | "secureAggregation">;
  /** Given away so far. */
  readonly epsilon: number;
  /** Of this device's texts; absent where the page is no device's. */
  readonly textsEpsilon?: number;
}

export function PrivacyBudget({ config, epsilon, textsEpsilon }: PrivacyBudgetProps) {
  const { differentialPrivacy: terms, examplePrivacy: ofTexts, secureAggregation } = config;
  if (terms === null && ofTexts === null && !secureAggregation) return null;
  return (
    <section class="card" data-testid="privacy">
      <h2>{say("privacy.title")}</h2>
      {terms !== null && (
        <>
          <p class="number">
            {sentences(
              say("privacy.used", { share: formatPercent(epsilon / terms.epsilon) }),
              forResearchers(usedOf(epsilon, terms)),
            )}
          </p>
          <progress
            aria-label={say("privacy.bar")}
            max={terms.epsilon}
            value={Math.min(epsilon, terms.epsilon)}
          />
        </>
      )}
      {ofTexts !== null && (
        <p data-testid="texts-privacy">
          {sentences(
            ...(textsEpsilon === undefined
              ? [
                  say("privacy.texts-promise"),
                  forResearchers(
                    say("privacy.texts-promise.terms", {
                      all: ofTexts.epsilon,
                      delta: String(ofTexts.delta),
                    }),
                  ),
                ]
              : [
                  say("privacy.texts-used", { share: formatPercent(textsEpsilon / ofTexts.epsilon) }),
                  forResearchers(usedOf(textsEpsilon, ofTexts)),
                ]),
            textsPrivacyWords(ofTexts.epsilon, ofTexts.delta),
          )}
        </p>
      )}
      <table class="who-sees">
        <caption>{say("privacy.who")}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">{say("privacy.device")}</th>
            <th scope="col">{say("privacy.coordinator")}</th>
            <th scope="col">{say("privacy.everybody")}</th>
          </tr>
        </thead>
        <tbody>
          {sights(config).map(([what, ...who]) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              {who.map((sight, place) => (
                <td key={place}>
                  <span class={`sight ${sight}`}>{say(`privacy.${sight}`)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <small>
        {sentences(
          secureAggregation && say("privacy.masks"),
          terms !== null && !secureAggregation && say("privacy.trusted"),
          terms !== null && say("privacy.whole-run", { promise: privacyWords(terms.epsilon, terms.delta) }),
          say("privacy.not-covered"),
        )}
      </small>
    </section>
  );
}

const usedOf = (
  used: number,
  { epsilon, delta }: { readonly epsilon: number; readonly delta: number },
): string => say("privacy.used.terms", { used: formatFixed(used, 2), all: epsilon, delta: String(delta) });

type Sight = "read" | "masked" | "never";

/** What each of the three can read: the device, the coordinator, everybody. Texts are those that a device brought itself. */
const sights = ({
  differentialPrivacy,
  examplePrivacy,
  secureAggregation,
}: PrivacyBudgetProps["config"]): readonly (readonly [string, Sight, Sight, Sight])[] => [
  [say("privacy.texts"), "read", "never", "never"],
  [
    say(examplePrivacy ? "privacy.noisy-update" : "privacy.update"),
    "read",
    secureAggregation ? "masked" : "read",
    "never",
  ],
  [
    say(differentialPrivacy || examplePrivacy ? "privacy.noisy-mean" : "privacy.mean"),
    "read",
    "read",
    "read",
  ],
];
