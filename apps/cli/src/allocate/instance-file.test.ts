import { allocate } from "@fedlodrop/allocation";
import { describe, expect, it } from "vitest";
import { parseInstances } from "./instance-file.ts";

const device = {
  n_k: 10,
  P_max_W: 0.2,
  pa_efficiency: 0.35,
  E_max_J: 5,
  xi_J: 0.1,
  t_overhead_s: 0.05,
  dl_rate_bps: 1e7,
  dl_fixed_bits: 0,
  dl_var_bits: 1e6,
  ul_fixed_bits: 2048,
  ul_var_bits: 1e6,
  base_flop: 1e11,
  adapter_flop: 1e10,
  op_points: [{ f_Hz: 9e8, flop_per_cycle: 500, kappa: 5e-27 }],
};
const instance = {
  id: "tiny",
  K: 2,
  M: 1,
  W_sc_Hz: 30000,
  T_max_s: 4,
  N0_W_per_Hz: 2e-20,
  snr_gap: 1.5,
  gain: [[1e-10], [2e-10]],
  gamma_min: 0,
  gamma_max: 0.9,
  objective: {
    mode: "device",
    nu: 1,
    C: 3,
    rho: 1,
    lambda: 0.5,
    Lambda_min: 0.1,
    n: 20,
    delta: 0.1,
    gap_scale: 1,
    w: [0.5, 0.5],
    A: [0.1, 0.1],
    chi: 3,
  },
  devices: [device, device],
};

describe("instance files", () => {
  it("may be one instance, a list, or an object with a list", () => {
    for (const file of [instance, [instance], { schema: "x", instances: [instance] }]) {
      expect(parseInstances(file).map(({ id }) => id)).toEqual(["tiny"]);
    }
  });

  it("take null for the energy limit of a device on mains", () => {
    const mains = { ...instance, devices: [{ ...device, E_max_J: null }, device] };
    expect(parseInstances(mains)[0]!.devices[0]!.energyLimitJoules).toBe(Number.POSITIVE_INFINITY);
  });

  it("may divide one band between the devices, and then solve to the closed form", () => {
    const { M: _, W_sc_Hz: __, ...rest } = instance;
    const { P_max_W: ___, ...plain } = device;
    const file = {
      ...rest,
      link: "fdma",
      B_Hz: 1e5,
      p_W_per_Hz: 1e-6,
      gain: [1e-12, 4e-12],
      // Nothing but the variance: everybody wants all that can be sent.
      objective: { ...instance.objective, gap_scale: 1e-12 },
      devices: [plain, plain].map((own) => ({
        ...own,
        E_max_J: null,
        adapter_flop: 0,
        dl_var_bits: 0,
        ul_fixed_bits: 0,
        ul_var_bits: 4e6,
      })),
    };
    const [problem] = parseInstances(file);
    const { devices } = allocate(problem!, "branch-and-bound");
    // s_k = √(A r_k/u) / Σ_j √(A u/r_j) / … with equal windows: s_k ∝ √r_k, Σ u s_k/(r_k t) = 1.
    const seconds = 4 - 0.05 - 1e11 / (9e8 * 500);
    const rates = [1e-12, 4e-12].map((gain) => 1e5 * Math.log2(1 + (1e-6 * gain) / (1.5 * 2e-20)));
    const price = rates.reduce((sum, own) => sum + Math.sqrt(4e6 / (own * seconds)), 0);
    const keepRates = rates.map((own) => Math.sqrt((own * seconds) / 4e6) / price);
    expect(Math.max(...keepRates)).toBeLessThan(1);
    devices.forEach((own, k) => {
      expect(own.kind === "admitted" && 1 - own.dropoutRate).toBeCloseTo(keepRates[k]!, 6);
    });
    expect(() => parseInstances({ ...file, gain: [[1], [1]] })).toThrow(
      "gain[0]: expected a number, got 1 of them",
    );
    expect(() => parseInstances({ ...file, B_Hz: undefined })).toThrow(
      "B_Hz: expected a number, got nothing",
    );
    expect(() => parseInstances({ ...file, link: "tdma" })).toThrow(
      'link: expected radio or fdma, got "tdma"',
    );
  });

  const changed = (change: Record<string, unknown>) => ({ ...instance, ...change });
  const wrongDevice = (change: Record<string, unknown>) =>
    changed({ devices: [device, { ...device, ...change }] });
  const hostile: [string, unknown, string][] = [
    ["not an object", 7, "file: expected an object, got 7"],
    ["null", null, "file: expected an object, got null"],
    ["an empty object", {}, "K: expected a number, got nothing"],
    ["a fractional count", changed({ K: 2.5 }), "K: expected a whole number, got 2.5"],
    ["a short gain row", changed({ gain: [[1e-10], []] }), "gain[1]: expected 1 entries, got 0 of them"],
    ["too few gain rows", changed({ gain: [[1e-10]] }), "gain: expected 2 entries, got 1 of them"],
    ["a negative gain", changed({ gain: [[1e-10], [-1]] }), "gain[1][0]: expected more than 0, got -1"],
    ["a number as text", changed({ T_max_s: "4" }), 'T_max_s: expected a number, got "4"'],
    ["NaN", changed({ T_max_s: Number.NaN }), "T_max_s: expected a number, got null"],
    ["full dropout", changed({ gamma_max: 1 }), "gamma_max: expected less than 1, got 1"],
    ["crossed rates", changed({ gamma_min: 0.95 }), "gamma_max: expected gamma_min (0.95) or more, got 0.9"],
    [
      "an unknown mode",
      changed({ objective: { ...instance.objective, mode: "both" } }),
      'objective.mode: expected device or global, got "both"',
    ],
    [
      "a missing weight",
      changed({ objective: { ...instance.objective, w: [1] } }),
      "objective.w: expected 2 entries, got 1 of them",
    ],
    [
      "weights above one",
      changed({ objective: { ...instance.objective, w: [0.5, 1] } }),
      "objective.w: expected shares that sum to at most 1, got 1.5",
    ],
    [
      "what would overflow",
      changed({ gain: [[1e-10], [1e300]] }),
      "gain[1][0]: expected a number from 1e-40 to 1e+40, got 1e+300",
    ],
    [
      "what would underflow",
      changed({ snr_gap: 1e-300 }),
      "snr_gap: expected a number from 1e-40 to 1e+40, got 1e-300",
    ],
    ["no objective", changed({ objective: undefined }), "objective: expected an object, got nothing"],
    [
      "a device too many",
      changed({ devices: [device, device, device] }),
      "devices: expected 2 entries, got 3 of them",
    ],
    [
      "no operating point",
      wrongDevice({ op_points: [] }),
      "devices[1].op_points: expected at least 1 entries, got 0 of them",
    ],
    [
      "an efficiency above one",
      wrongDevice({ pa_efficiency: 1.5 }),
      "devices[1].pa_efficiency: expected at most 1, got 1.5",
    ],
    [
      "a dead processor",
      wrongDevice({ op_points: [{ f_Hz: 0, flop_per_cycle: 1, kappa: 0 }] }),
      "devices[1].op_points[0].f_Hz: expected more than 0, got 0",
    ],
  ];
  for (const [name, file, message] of hostile) {
    it(`are refused in one line: ${name}`, () => {
      expect(() => parseInstances(file)).toThrow(new Error(message));
    });
  }

  it("name the instance in a list", () => {
    const file = { instances: [instance, changed({ snr_gap: 0 })] };
    expect(() => parseInstances(file)).toThrow("instances[1].snr_gap: expected more than 0, got 0");
  });
});
