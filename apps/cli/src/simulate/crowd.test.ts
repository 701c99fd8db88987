import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type RunConfig, resolveRunConfig } from "@fedlodrop/run";
import { describe, expect, it, vi } from "vitest";
import { simulate } from "../simulate.ts";
import { type CrowdRound, simulateCrowd } from "./crowd.ts";
import { createPopulation, parseProfiles } from "./population.ts";

/** Rounds by which all of a small population have taken part, and code is compiled. */
const SETTLED = 20;

const config = (change: Partial<RunConfig> = {}): RunConfig =>
  resolveRunConfig({
    seed: "5",
    rounds: 3,
    method: "fixed",
    dropoutRate: 0.5,
    training: { localSteps: 8, batchSize: 4, learningRate: 0.03 },
    ...change,
  });

async function played(size: number, most: number, own: RunConfig): Promise<readonly CrowdRound[]> {
  const rounds: CrowdRound[] = [];
  for await (const round of simulateCrowd({
    population: createPopulation(size, own.seed),
    most,
    config: own,
  }))
    rounds.push(round);
  return rounds;
}

describe("a population", () => {
  it("is drawn from the seed alone, and each round asks others", () => {
    const [one, same] = [createPopulation(100_000, "a"), createPopulation(100_000, "a")];
    expect(one.profileOf(77_777)).toEqual(same.profileOf(77_777));
    expect(one.cohort(3, 500)).toEqual(same.cohort(3, 500));
    const shared = one.cohort(3, 500).filter((device) => one.cohort(4, 500).includes(device));
    expect(one.cohort(3, 500)).toHaveLength(500);
    expect(shared.length).toBeLessThan(20);
  });

  it("has no more devices in a round than are there, by their availability", () => {
    const profile = { stepSeconds: 0.1, up: 1e5, down: 1e6, computeWatts: 5, availability: 0.3 };
    const all = createPopulation(2000, "a", [profile]).cohort(1, 2000);
    expect(new Set(all).size).toBe(all.length);
    // 600 expected; five deviations of a binomial are 102.
    expect(Math.abs(all.length - 600)).toBeLessThan(103);
  });

  it.each([
    [1000, 400],
    [10_000, 5000],
    [997, 50],
  ])("takes everyone who is there as likely, of %i devices %i", (size, most) => {
    const profile = { stepSeconds: 0.1, up: 1e5, down: 1e6, computeWatts: 5, availability: 0.6 };
    const population = createPopulation(size, "a", [profile]);
    const rounds = 20;
    const fifths = [0, 0, 0, 0, 0];
    for (let round = 1; round <= rounds; round++)
      for (const device of population.cohort(round, most)) fifths[Math.floor((5 * device) / size)]! += 1;
    const share = 1 / fifths.length;
    // Four deviations of as many independent draws.
    const bound = 4 * Math.sqrt((share * (1 - share)) / (rounds * most));
    for (const count of fifths) expect(Math.abs(count / (rounds * most) - share)).toBeLessThan(bound);
  });

  it("takes profiles of a file, and says in one line what is wrong with one", () => {
    const header = "availability,step_seconds,up,down,compute_watts";
    expect(parseProfiles(`${header}\n0.5,0.2,1000,4000,7\n`)).toEqual([
      { stepSeconds: 0.2, up: 1000, down: 4000, computeWatts: 7, availability: 0.5 },
    ]);
    expect(() => parseProfiles("a,b\n1,2")).toThrow(/^expected the columns step_seconds,.*, got a,b$/);
    expect(() => parseProfiles(`${header}\n1.5,0.2,1000,4000,7`)).toThrow(
      "line 2: expected a number above 0 and at most 1 in availability, got 1.5,0.2,1000,4000,7",
    );
  });
});

describe("a crowd", () => {
  it("learns, and plays the same again", async () => {
    const own = config({ dropoutRate: 0, rounds: 6 });
    const rounds = await played(5000, 60, own);
    expect(await played(5000, 60, own)).toEqual(rounds);
    expect(rounds.at(-1)!.heldOut).toBeLessThan(rounds[0]!.heldOut);
  }, 60_000);

  it("keeps no more for more rounds, once all of its devices have taken part", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const heapMegabytes = (): number => {
      collect();
      return process.memoryUsage().heapUsed / 1e6;
    };
    const own = config({ rounds: 120 });
    const population = createPopulation(60, own.seed);
    const asked = new Set<string>();
    const heaps: number[] = [];
    for await (const { record } of simulateCrowd({ population, most: 40, config: own })) {
      if (record.round <= SETTLED) for (const { id } of record.participants) asked.add(id);
      // Within the loop: all is let go of at its end.
      if (record.round === SETTLED || record.round === own.rounds) heaps.push(heapMegabytes());
    }
    expect(asked.size).toBe(60);
    // Records that are kept are more than twice that.
    const [before, after] = heaps as [number, number];
    expect(after - before).toBeLessThan(2);
  }, 60_000);

  it("sends what is kept and no more", async () => {
    const [{ record }] = (await played(5000, 60, config({ rounds: 1 }))) as [CrowdRound];
    expect(record.participants).toHaveLength(60);
    // One matrix of 32 → 16 at rank 8 and half of it kept: 192 values and a header, each way.
    expect(record.participants[0]).toMatchObject({ bytesDown: 784, bytesUp: 784, keptValues: 192 });
  }, 60_000);

  it("plans by the theorem after its first rounds, since nobody evaluates, and says so", async () => {
    const rounds = await played(1000, 10, config({ method: "greedy", rounds: 6 }));
    const forms = rounds.map(({ record }) => record.allocation!.constants.form);
    expect(forms).toEqual([...Array(4).fill("calibrated"), "theorem", "theorem"]);
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    await simulate(["--help"]);
    expect(String(write.mock.lastCall)).toContain("the theorem's constants after the first four rounds");
    write.mockRestore();
  }, 60_000);

  it("leaves out of a round whoever is too slow for it", async () => {
    const [{ record }] = (await played(5000, 60, config({ deadlineSeconds: 3, rounds: 1 }))) as [CrowdRound];
    const late = record.participants.filter(({ outcome }) => outcome === "missed-deadline");
    expect(late.length).toBeGreaterThan(5);
    expect(late.length).toBeLessThan(55);
    expect(record.seconds).toBe(3);
    for (const { secondsCompute, update } of late) {
      expect(secondsCompute).toBeGreaterThan(1);
      expect(update).toBeNull();
    }
  }, 60_000);

  it("refuses in one line what it cannot play", async () => {
    await expect(simulate(["--cohort", "20000"])).rejects.toThrow(
      "--cohort: expected at most 16384, got 20000",
    );
    await expect(simulate(["--dropout", "1"])).rejects.toThrow(
      '--dropout: expected a number from 0 to 0.95, got "1"',
    );
    await expect(simulate(["--profiles", "/nowhere"])).rejects.toThrow(
      "--profiles /nowhere: cannot be read (ENOENT)",
    );
    const file = join(await mkdtemp(join(tmpdir(), "profiles-")), "p.csv");
    await writeFile(file, "x\n1");
    await expect(simulate(["--profiles", file])).rejects.toThrow(/p.csv: expected the columns/);
  });
});
