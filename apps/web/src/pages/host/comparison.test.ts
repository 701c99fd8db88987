import {
  armOf,
  DEFAULT_RUN_CONFIG,
  type ParticipantRound,
  type RoundRecord,
  type RunConfig,
  type Turn,
  turnOf,
} from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { titleOf } from "../../ui/arm-title.ts";
import {
  type Comparison,
  compareArms,
  dropoutAhead,
  dropoutInAll,
  dropoutWords,
  isAboutDropout,
  mayCompare,
  oppositeArm,
  roundShown,
  whatBecame,
} from "./comparison.ts";
import "../../words/english.fixture.ts";

const config: RunConfig = {
  ...DEFAULT_RUN_CONFIG,
  dropoutRate: 0.5,
  compareWith: { method: "fedlora", dropoutRate: 0 },
};
/** @param turn by turns unless told */
const record = (
  round: number,
  testLoss: number | null,
  bytes: number,
  turn: Turn = { arm: round % 2 === 0 ? 1 : 0, number: Math.ceil(round / 2) },
): RoundRecord => ({
  ...{ round, basedOnRound: Math.max(0, round - 2), method: "fixed", deadlineSeconds: 60, trainLoss: 1 },
  ...{ turn, testLoss, evaluation: null, seconds: 2, allocation: null },
  participants: [
    { bytesDown: bytes, bytesUp: bytes, energyJoules: 3, energySource: "modelled" } as ParticipantRound,
  ],
});

describe("compareArms", () => {
  it("says nothing of a run that compares nothing, and waits for both", () => {
    expect(compareArms(DEFAULT_RUN_CONFIG, [record(1, 3, 5)])).toBeNull();
    expect(compareArms(config, [record(1, 3, 5)])).toMatchObject({ kind: "waiting" });
  });

  it("tells both losses after the same number of rounds, and the share of the data", () => {
    const rounds = [record(1, 3.9, 50), record(2, 4.1, 100), record(3, 3.7, 50)];
    const found = compareArms(config, rounds);
    // The third round's partner is not there yet: nothing of it is set beside the other arm's.
    expect(found).toMatchObject({
      kind: "better",
      headline: "With 50% dropped: 3.900; without dropout: 4.100; 50% of the data sent.",
    });
    const cost = { seconds: 2, energy: [{ source: "modelled", joules: 3 }] };
    expect(found?.own).toMatchObject({ ...cost, loss: 3.9, bytes: 100 });
    expect(found?.other).toMatchObject({ ...cost, loss: 4.1, bytes: 200 });
    expect(found?.own.rounds).toHaveLength(2);
  });

  it("says what became of each arm, in rounds of its own", () => {
    const losses = [3.7, 3.6, 3.69, 3.8, 3.68, 3.9];
    const rounds = losses.map((loss, k) => record(k + 1, loss, 50));
    const became = (count: number, base: number | null = 3.75) =>
      whatBecame(compareArms(config, rounds.slice(0, count)) as Comparison, base);
    expect(became(6)).toEqual([
      "With 50% dropped: better than the base model by 0.070.",
      "Without dropout: worse since round 1.",
    ]);
    const own = [3.9, 3.6, 3.9, 3.4, 3.9, 3.3].map((trainLoss) => ({ trainLoss, baseTrainLoss: 3.9 }));
    const whyOf = (evaluations: readonly object[]) =>
      whatBecame(
        compareArms(
          config,
          rounds.map((each, k) => ({ ...each, evaluation: evaluations[k] as never })),
        ) as Comparison,
        3.75,
      )[1];
    expect(whyOf(own)).toBe("Without dropout: worse since round 1: it learns its texts by heart.");
    expect(whyOf(own.map((each, k) => ({ ...each, trainLoss: 3.6 + k / 10 })))).toBe(
      "Without dropout: worse since round 1, on the devices' own texts as well: it is not learning.",
    );
    expect(became(2)[1]).toBe("Without dropout: better than the base model by 0.150.");
    // The third turn of the other arm is to come: as after the second.
    expect(became(5)).toEqual(became(4));
    expect([became(1), became(6, null)]).toEqual([[], []]);
  });

  it("compares equally many rounds of both, where one was had again", () => {
    const rounds = [
      record(1, 3.9, 50),
      record(2, 4.2, 100, { arm: 1, number: 1 }),
      record(3, 4.1, 100, { arm: 1, number: 1 }),
      record(4, 3.7, 50, { arm: 0, number: 2 }),
    ];
    expect(compareArms(config, rounds)).toMatchObject({
      // What was sent in vain was sent.
      headline: "With 50% dropped: 3.900; without dropout: 4.100; 25% of the data sent.",
      own: { bytes: 100 },
      other: { bytes: 400 },
    });
  });

  it("does not hide that the run's own arm does worse, or no better", () => {
    expect(compareArms(config, [record(1, 4.2, 50), record(2, 4.1, 100)])?.kind).toBe("worse");
    expect(compareArms(config, [record(1, 4.115, 50), record(2, 4.1, 100)])?.kind).toBe("same");
  });
});

it("names an arm by what is done in it", () => {
  expect(titleOf({ method: "fedlora", dropoutRate: 0.3 })).toBe("without dropout");
  expect(titleOf({ method: "fixed", dropoutRate: 0 })).toBe("without dropout");
  expect(titleOf({ method: "fixed", dropoutRate: 0.3 })).toBe("with 30% dropped");
  expect(titleOf({ method: "p-sca", dropoutRate: 0.3 })).toBe("with nearly best rates");
});

it("says what is left out in the rounds of an arm, whichever it is, and nothing where none leaves anything out", () => {
  const [nothing, half] = [
    { method: "fedlora", dropoutRate: 0 },
    { method: "fixed", dropoutRate: 0.5 },
  ] as const;
  const dropped = /^Dropout: .* each device leaves out /;
  const whole = /^For comparison: .* the whole add-on\.$/;
  expect(dropoutWords(config, 0)).toMatch(dropped);
  expect(dropoutWords(config, 1)).toMatch(whole);
  expect(dropoutWords({ ...config, ...nothing, compareWith: half }, 0)).toMatch(whole);
  expect(dropoutWords({ ...config, ...nothing, compareWith: half }, 1)).toMatch(dropped);
  expect(dropoutWords({ ...config, compareWith: { method: "fixed", dropoutRate: 0.7 } }, 1)).toMatch(dropped);
  expect(dropoutWords({ ...config, compareWith: null }, 0)).toMatch(dropped);
  expect(dropoutWords({ ...config, ...nothing, compareWith: null }, 0)).toBeNull();
  expect(dropoutWords({ ...config, ...nothing }, 1)).toBeNull();
});

it("says before the run what dropout will do, unless no arm leaves anything out", () => {
  const nothing = { method: "fedlora", dropoutRate: 0 } as const;
  const half = { method: "fixed", dropoutRate: 0.5 } as const;
  expect(dropoutAhead({ ...config, compareWith: null })).toMatch(/^Together .* leaves out a part /);
  expect(dropoutAhead({ ...config, ...nothing, compareWith: half })).toMatch(/ leaves out a part /);
  expect(dropoutAhead({ ...config, ...nothing, compareWith: null })).toBeNull();
});

it("says in the end what was left out of how many add-ons, of one arm or of both", () => {
  const nothing = { method: "fedlora", dropoutRate: 0 } as const;
  expect(dropoutInAll({ ...config, compareWith: null })).toMatch(
    /^A small add-on .* each device left out a part/,
  );
  expect(dropoutInAll({ ...config, compareWith: { method: "fixed", dropoutRate: 0.7 } })).toMatch(
    /^Two small add-ons .* each device left out a part of the one whose turn it was/,
  );
  expect(dropoutInAll(config)).toMatch(/the other was trained and sent whole\.$/);
  expect(dropoutInAll({ ...config, ...nothing, compareWith: null })).toBeNull();
});

it("counts each arm's rounds by themselves, also of a round that is open or to come", () => {
  const placeOf = (round: number, records: readonly RoundRecord[]) => {
    const shown = roundShown({ config, round, rounds: records });
    return [armOf(shown), turnOf(shown)];
  };
  const records = [1, 2, 3].map((round) => record(round, null, 1));
  expect(placeOf(0, [])).toEqual([0, 0]);
  expect(placeOf(1, [])).toEqual([0, 1]);
  expect(placeOf(2, records.slice(0, 1))).toEqual([1, 1]);
  expect(placeOf(3, records)).toEqual([0, 2]);
  expect(placeOf(4, records)).toEqual([1, 2]);
});

it("knows which comparisons show what dropout does, and which runs may have one", () => {
  expect(isAboutDropout(config)).toBe(true);
  expect(isAboutDropout({ ...config, compareWith: { method: "fixed", dropoutRate: 0.7 } })).toBe(false);
  expect(
    isAboutDropout({ ...config, ...oppositeArm({ method: "fedlora", dropoutRate: 0.5 }), compareWith: null }),
  ).toBe(false);
  expect(oppositeArm(config)).toEqual(config.compareWith);
  expect(oppositeArm({ method: "fixed", dropoutRate: 0 }).dropoutRate).toBe(0.5);
  expect(mayCompare(config)).toBe(true);
  expect(mayCompare({ ...config, secureAggregation: true })).toBe(false);
  expect(mayCompare({ ...config, evaluateOn: { kind: "devices", every: 5 } })).toBe(false);
});
