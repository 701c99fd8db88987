/**
 * Instances as JSON, SI units (fields in docs/allocation.md), with a link of sub-channels or of one divided band. Parsed once here; the first thing wrong is reported by its
 * path, what was expected and what was got.
 */
import { type AllocationProblem, fdmaProblem, radioProblem } from "@fedlodrop/allocation";
import { expectation } from "@fedlodrop/run";
import { z } from "zod";

/** No quantity in SI units comes near these; products of larger ones overflow. */
const [smallest, largest] = [1e-40, 1e40];
const number = z
  .number()
  .refine(
    (x) => x === 0 || (Math.abs(x) >= smallest && Math.abs(x) <= largest),
    `a number from ${smallest} to ${largest}`,
  );
const positive = number.gt(0);
const notNegative = number.min(0);
const rate = number.min(0).lt(1);
const count = z.int().min(1);

const deviceSchema = z.object({
  P_max_W: positive,
  pa_efficiency: positive.max(1),
  /** JSON has no infinity: null is mains power. */
  E_max_J: notNegative.nullable(),
  xi_J: notNegative,
  t_overhead_s: notNegative,
  dl_rate_bps: positive,
  dl_fixed_bits: notNegative,
  dl_var_bits: notNegative,
  ul_fixed_bits: notNegative,
  ul_var_bits: positive,
  base_flop: notNegative,
  adapter_flop: notNegative,
  op_points: z.array(z.object({ f_Hz: positive, flop_per_cycle: positive, kappa: notNegative })).min(1),
});

const objectiveSchema = z.object({
  w: z.array(positive),
  A: z.array(notNegative),
  mode: z.enum(["device", "global"]),
  nu: number.min(0.1).lt(10),
  C: positive,
  rho: positive,
  lambda: notNegative,
  Lambda_min: positive,
  n: positive,
  delta: positive,
  gap_scale: notNegative,
  chi: notNegative,
});

const commonSchema = z.object({
  K: count,
  objective: objectiveSchema,
  gamma_min: rate,
  gamma_max: rate,
  devices: z.array(deviceSchema),
  id: z.string(),
  T_max_s: positive,
  N0_W_per_Hz: positive,
  snr_gap: positive,
});

const radioSchema = commonSchema.extend({
  link: z.literal("radio"),
  M: count,
  gain: z.array(z.array(positive)),
  W_sc_Hz: positive,
});

const fdmaSchema = commonSchema.extend({
  link: z.literal("fdma"),
  gain: z.array(positive),
  B_Hz: positive,
  p_W_per_Hz: positive,
  // What they transmit is density times band.
  devices: z.array(deviceSchema.extend({ P_max_W: positive.optional() })),
});

const instanceSchema = z
  .discriminatedUnion("link", [radioSchema, fdmaSchema])
  .superRefine((instance, { addIssue }) => {
    const { K, objective, gamma_min, gamma_max, gain, devices } = instance;
    const expects = (holds: boolean, path: (string | number)[], message: string): void => {
      if (!holds) addIssue({ code: "custom", path, message });
    };
    expects(objective.w.length === K, ["objective", "w"], `${K} entries`);
    // Above 1, more than everything could be kept; files round their shares.
    const total = objective.w.reduce((sum, weight) => sum + weight, 0);
    expects(total <= 1.001, ["objective", "w"], `shares that sum to at most 1, got ${total}`);
    expects(objective.A.length === K, ["objective", "A"], `${K} entries`);
    expects(gamma_max >= gamma_min, ["gamma_max"], `gamma_min (${gamma_min}) or more`);
    expects(gain.length === K, ["gain"], `${K} entries`);
    if (instance.link === "radio")
      for (const [k, row] of instance.gain.entries())
        expects(row.length === instance.M, ["gain", k], `${instance.M} entries`);
    expects(devices.length === K, ["devices"], `${K} entries`);
  });

/** The problems of a file: one instance, an array of them, or an object whose `instances` is such an array.
 *  @throws on the first bad field, naming it */
export function parseInstances(json: unknown): AllocationProblem[] {
  if (Array.isArray(json)) return json.map((each, i) => parseInstance(each, `[${i}]`));
  if (typeof json !== "object" || json === null)
    throw new Error(`file: expected an object, got ${shown(json)}`);
  if (!("instances" in json)) return [parseInstance(json, "")];
  const { instances } = json;
  if (!Array.isArray(instances)) throw new Error(`instances: expected a list, got ${shown(instances)}`);
  return instances.map((each, i) => parseInstance(each, `instances[${i}]`));
}

function parseInstance(json: unknown, path: string): AllocationProblem {
  // Sub-channels are meant where nothing is said.
  const isObject = typeof json === "object" && json !== null;
  const { data, error } = instanceSchema.safeParse(
    isObject && !("link" in json) ? { ...json, link: "radio" } : json,
  );
  if (error) throw new Error(faultIn(error, json, path));
  const system = systemOf(data);
  const medium = { noiseWattsPerHertz: data.N0_W_per_Hz, snrGap: data.snr_gap };
  switch (data.link) {
    case "radio":
      return radioProblem({
        ...system,
        ...medium,
        subChannelHertz: data.W_sc_Hz,
        channelGain: data.gain,
      });
    case "fdma":
      return fdmaProblem(system, {
        ...medium,
        bandwidthHertz: data.B_Hz,
        powerWattsPerHertz: data.p_W_per_Hz,
        amplifierEfficiency: data.devices.map(({ pa_efficiency }) => pa_efficiency),
        gain: data.gain,
      });
    default:
      return data satisfies never;
  }
}

function systemOf(data: z.infer<typeof instanceSchema>): Parameters<typeof fdmaProblem>[0] {
  const { objective, devices } = data;
  return {
    id: data.id,
    deadlineSeconds: data.T_max_s,
    minDropoutRate: data.gamma_min,
    maxDropoutRate: data.gamma_max,
    objective: {
      mode: objective.mode,
      varianceExponent: objective.nu,
      bound: {
        lossRange: objective.C,
        gradientNorm: objective.rho,
        ridge: objective.lambda,
        minCurvature: objective.Lambda_min,
        exampleCount: objective.n,
        confidence: objective.delta,
        gapScale: objective.gap_scale,
      },
      exclusionPenalty: objective.chi,
    },
    devices: devices.map((device, k) => ({
      maxTransmitPowerWatts: device.P_max_W ?? Number.POSITIVE_INFINITY,
      amplifierEfficiency: device.pa_efficiency,
      energyLimitJoules: device.E_max_J ?? Number.POSITIVE_INFINITY,
      fixedEnergyJoules: device.xi_J,
      overheadSeconds: device.t_overhead_s,
      downloadBitsPerSecond: device.dl_rate_bps,
      downloadFixedBits: device.dl_fixed_bits,
      downloadBitsPerKeepRate: device.dl_var_bits,
      uploadFixedBits: device.ul_fixed_bits,
      uploadBitsPerKeepRate: device.ul_var_bits,
      baseFlop: device.base_flop,
      adapterFlop: device.adapter_flop,
      operatingPoints: device.op_points.map((point) => ({
        frequencyHertz: point.f_Hz,
        flopPerCycle: point.flop_per_cycle,
        energyCoefficient: point.kappa,
      })),
      weight: objective.w[k] as number,
      varianceCoefficient: objective.A[k] as number,
    })),
  };
}

/** `devices[1].E_max_J: expected 0 or more, got -1`. */
function faultIn({ issues }: z.ZodError, json: unknown, path: string): string {
  const [issue] = issues as [z.core.$ZodIssue];
  const place = issue.path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, path);
  const got = issue.path.reduce((value, key) => (value as Record<PropertyKey, unknown>)?.[key], json);
  const expected =
    issue.code === "custom"
      ? issue.message
      : issue.code === "invalid_union"
        ? "radio or fdma"
        : expectation(issue);
  const said = expected.includes(", got ") ? expected : `${expected}, got ${shown(got)}`;
  return `${place || "instance"}: expected ${said}`;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `${value.length} of them`;
  const json = JSON.stringify(value);
  return json.length > 40 ? `${json.slice(0, 37)}...` : json;
}
