/** Figure 8: what attacks read of texts, from a device's update and from the adapter, over dropout, clipping and noise. */
import { barAt, type Figure, mean, standardError, type Table } from "../figure.ts";
import type { AttackResult, InversionResult, MembershipResult } from "../privacy/attack-study.ts";
import { ATTACKS, judge } from "../privacy/membership.ts";
import type { ChartPoint } from "../svg-chart.ts";

interface Row {
  readonly attack: string;
  readonly dropoutRate: number;
  readonly protection: string;
  readonly measure: string;
  readonly values: readonly number[];
}

export function privacy(results: readonly AttackResult[]): Figure {
  const rows = [
    ...groups(results.filter(({ attack }) => attack === "membership") as MembershipResult[], (own) =>
      JSON.stringify([own.dropoutRate, own.epsilon, own.rounds]),
    ).flatMap(membershipRows),
    ...groups(results.filter(({ attack }) => attack === "inversion") as InversionResult[], (own) =>
      JSON.stringify([own.dropoutRate, own.localSteps, own.noise]),
    ).flatMap(inversionRows),
  ];
  const overRates = (attack: string, protection: string, measure: string): ChartPoint[] =>
    rows
      .filter((row) => row.attack === attack && row.protection === protection && row.measure === measure)
      .sort((a, b) => a.dropoutRate - b.dropoutRate)
      .map(({ dropoutRate, values }) => barAt(dropoutRate, values, 2));
  return {
    number: 8,
    title: "Attacks",
    text: [
      "Inversion: a coordinator that sees the update of a device with one text of eight tokens searches for the text whose gradient fits. It knows the mask, the length and the first token, and chooses each token among twenty, the text's own and the most frequent; guessing finds one in twenty. Noise is the standard deviation on each value over the update's norm; clipping keeps the direction and hides nothing.",
      "Membership: two devices train on eight texts of 32 tokens each, 32 times each in eight rounds, four times in one; whoever has the last adapter tells these texts from sixteen others by their loss, by how far it fell, or by shadow runs on other halves of the same texts (LiRA, from eight trials on). An area of 0.5 is guessing. ε is of devices and of the whole run.",
      "Error bars are two standard errors over trials.",
    ],
    charts: [
      ...[Math.max(...results.map((own) => ("rounds" in own ? own.rounds : 1))), 1].map((rounds) => ({
        title: `Membership after ${roundsText(rounds)}: area under the curve`,
        xLabel: "dropout rate",
        yLabel: "area",
        series: Object.keys(ATTACKS).map((name) => ({
          name,
          points: overRates("membership", `none, ${roundsText(rounds)}`, `area by ${name}`),
        })),
      })),
      {
        title: "Inversion: tokens found",
        xLabel: "dropout rate",
        yLabel: "share of tokens",
        series: [1, 8].map((steps) => ({
          name: stepsText(steps),
          points: overRates("inversion", stepsText(steps), "tokens found"),
        })),
      },
    ],
    table: tableOf(rows),
  };
}

/** With fewer runs there is no telling how a text's losses are distributed. */
const LEAST_SHADOWS = 8;

function membershipRows(own: readonly MembershipResult[]): Row[] {
  const [{ dropoutRate, epsilon, rounds }] = own as [MembershipResult];
  const protection = `${epsilon === null ? "none" : `ε = ${epsilon}`}, ${roundsText(rounds)}`;
  const row = (measure: string, values: readonly number[]): Row => ({
    attack: "membership",
    dropoutRate,
    protection,
    measure,
    values,
  });
  const lossesWhere = (wanted: boolean, of: "losses" | "base"): number[] =>
    own.map((trial) => mean(trial[of].filter((_, text) => trial.isMember[text] === wanted)));
  return [
    ...Object.entries(ATTACKS).flatMap(([name, attack]) => {
      if (name === "lira" && own.length < LEAST_SHADOWS) return [];
      const scores = attack(own, own[0]?.base ?? []);
      const verdicts = own.map(({ isMember }, run) => judge(scores[run] as number[], isMember));
      return [
        row(
          `area by ${name}`,
          verdicts.map(({ area }) => area),
        ),
        row(
          `found at 5 % false alarms by ${name}`,
          verdicts.map(({ foundAtFivePercent }) => foundAtFivePercent),
        ),
      ];
    }),
    row("loss of members", lossesWhere(true, "losses")),
    row("loss of others", lossesWhere(false, "losses")),
    row("loss of others before", lossesWhere(false, "base")),
  ];
}

function inversionRows(own: readonly InversionResult[]): Row[] {
  const [{ dropoutRate, localSteps, noise }] = own as [InversionResult];
  const steps = stepsText(localSteps);
  const protection = noise === 0 ? steps : `${steps} with noise ${noise}`;
  const row = (measure: string, values: readonly number[]): Row => ({
    attack: "inversion",
    dropoutRate,
    protection,
    measure,
    values,
  });
  return [
    row(
      "tokens found",
      own.map(({ found }) => found),
    ),
    row(
      "text picked out of all",
      own.map(({ rank }) => (rank === 1 ? 1 : 0)),
    ),
  ];
}

const roundsText = (rounds: number): string => (rounds === 1 ? "1 round" : `${rounds} rounds`);

const stepsText = (steps: number): string => (steps === 1 ? "1 local step" : `${steps} local steps`);

const tableOf = (rows: readonly Row[]): Table => ({
  columns: ["attack", "dropout_rate", "protection", "measure", "trials", "mean", "standard_error"],
  rows: rows.map(({ attack, dropoutRate, protection, measure, values }) => [
    attack,
    dropoutRate,
    protection,
    measure,
    values.length,
    mean(values),
    standardError(values),
  ]),
});

function groups<T>(all: readonly T[], keyOf: (one: T) => string): readonly (readonly T[])[] {
  const byKey = new Map<string, T[]>();
  for (const one of all) byKey.set(keyOf(one), [...(byKey.get(keyOf(one)) ?? []), one]);
  return [...byKey.values()];
}
