/**
 * Instances as JSON, SI units (fields in docs/allocation.md). Parsed once here; the first thing wrong is reported
 * by its path, what was expected and what was got.
 */
import type { BoundConstants } from "./bound.ts";
import type { Device, RadioSystem } from "./system.ts";

/** The systems of a file: one instance, an array of them, or an object whose `instances` is such an array.
 *  @throws on the first bad field, naming it */
export function parseInstances(json: unknown): RadioSystem[] {
  if (Array.isArray(json)) return json.map((each, i) => parseInstance(each, `[${i}]`));
  const file = record(json, "file");
  if (!("instances" in file)) return [parseInstance(file, "")];
  return list(file, "instances", "").map((each, i) => parseInstance(each, `instances[${i}]`));
}

function parseInstance(json: unknown, path: string): RadioSystem {
  const instance = record(json, path === "" ? "instance" : path);
  const deviceCount = count(instance, "K", path);
  const channelCount = count(instance, "M", path);
  const objective = record(instance.objective, join(path, "objective"));
  const objectivePath = join(path, "objective");
  const weights = numbers(objective, "w", objectivePath, deviceCount, above(0));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Above 1, more than everything could be kept; files round their shares.
  if (total > 1.001)
    throw new Error(`${join(objectivePath, "w")}: expected shares that sum to at most 1, got ${total}`);
  const coefficients = numbers(objective, "A", objectivePath, deviceCount, atLeast(0));
  const minDropoutRate = number(instance, "gamma_min", path, within(0, 1));
  const maxDropoutRate = number(instance, "gamma_max", path, within(minDropoutRate, 1));
  const gains = sized(list(instance, "gain", path), deviceCount, join(path, "gain"));
  const devices = sized(list(instance, "devices", path), deviceCount, join(path, "devices"));
  return {
    id: text(instance, "id", path),
    subChannelHertz: number(instance, "W_sc_Hz", path, above(0)),
    deadlineSeconds: number(instance, "T_max_s", path, above(0)),
    noiseWattsPerHertz: number(instance, "N0_W_per_Hz", path, above(0)),
    snrGap: number(instance, "snr_gap", path, above(0)),
    channelGain: gains.map((row, k) => numberList(row, join(path, `gain[${k}]`), channelCount, above(0))),
    minDropoutRate,
    maxDropoutRate,
    objective: {
      mode: oneOf(objective, "mode", objectivePath, ["device", "global"] as const),
      varianceExponent: number(objective, "nu", objectivePath, within(0.1, 10)),
      bound: parseBound(objective, objectivePath),
      exclusionPenalty: number(objective, "chi", objectivePath, atLeast(0)),
    },
    devices: devices.map((device, k) =>
      parseDevice(device, join(path, `devices[${k}]`), weights[k] as number, coefficients[k] as number),
    ),
  };
}

function parseBound(objective: Fields, path: string): BoundConstants {
  return {
    lossRange: number(objective, "C", path, above(0)),
    gradientNorm: number(objective, "rho", path, above(0)),
    ridge: number(objective, "lambda", path, atLeast(0)),
    minCurvature: number(objective, "Lambda_min", path, above(0)),
    exampleCount: number(objective, "n", path, above(0)),
    confidence: number(objective, "delta", path, above(0)),
    gapScale: number(objective, "gap_scale", path, atLeast(0)),
  };
}

function parseDevice(json: unknown, path: string, weight: number, varianceCoefficient: number): Device {
  const device = record(json, path);
  const points = list(device, "op_points", path);
  if (points.length === 0) throw new Error(`${join(path, "op_points")}: expected at least one, got none`);
  const efficiency = number(device, "pa_efficiency", path, above(0));
  if (efficiency > 1)
    throw new Error(`${join(path, "pa_efficiency")}: expected a number in (0, 1], got ${efficiency}`);
  return {
    maxTransmitPowerWatts: number(device, "P_max_W", path, above(0)),
    amplifierEfficiency: efficiency,
    // JSON has no infinity: null is mains power.
    energyLimitJoules:
      device.E_max_J === null ? Number.POSITIVE_INFINITY : number(device, "E_max_J", path, atLeast(0)),
    fixedEnergyJoules: number(device, "xi_J", path, atLeast(0)),
    overheadSeconds: number(device, "t_overhead_s", path, atLeast(0)),
    downloadBitsPerSecond: number(device, "dl_rate_bps", path, above(0)),
    downloadFixedBits: number(device, "dl_fixed_bits", path, atLeast(0)),
    downloadBitsPerKeepRate: number(device, "dl_var_bits", path, atLeast(0)),
    uploadFixedBits: number(device, "ul_fixed_bits", path, atLeast(0)),
    uploadBitsPerKeepRate: number(device, "ul_var_bits", path, above(0)),
    baseFlop: number(device, "base_flop", path, atLeast(0)),
    adapterFlop: number(device, "adapter_flop", path, atLeast(0)),
    operatingPoints: points.map((each, j) => {
      const at = join(path, `op_points[${j}]`);
      const point = record(each, at);
      return {
        frequencyHertz: number(point, "f_Hz", at, above(0)),
        flopPerCycle: number(point, "flop_per_cycle", at, above(0)),
        energyCoefficient: number(point, "kappa", at, atLeast(0)),
      };
    }),
    weight,
    varianceCoefficient,
  };
}

type Fields = Readonly<Record<string, unknown>>;

interface Range {
  readonly holds: (x: number) => boolean;
  readonly words: string;
}
const above = (low: number): Range => ({ holds: (x) => x > low, words: `a number above ${low}` });
const atLeast = (low: number): Range => ({ holds: (x) => x >= low, words: `a number of at least ${low}` });
const within = (low: number, high: number): Range => ({
  holds: (x) => x >= low && x < high,
  words: `a number in [${low}, ${high})`,
});

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const json = JSON.stringify(value);
  return json.length > 40 ? `${json.slice(0, 37)}...` : json;
}

function record(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${path}: expected an object, got ${shown(value)}`);
  }
  return value as Fields;
}

function list(fields: Fields, key: string, path: string): readonly unknown[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new Error(`${join(path, key)}: expected an array, got ${shown(value)}`);
  return value;
}

function sized(values: readonly unknown[], length: number, path: string): readonly unknown[] {
  if (values.length !== length) throw new Error(`${path}: expected ${length} entries, got ${values.length}`);
  return values;
}

/** No quantity in SI units comes near these; products of larger ones overflow. */
const [smallest, largest] = [1e-40, 1e40];

function asNumber(value: unknown, path: string, range: Range): number {
  if (typeof value !== "number" || !Number.isFinite(value) || !range.holds(value)) {
    throw new Error(`${path}: expected ${range.words}, got ${shown(value)}`);
  }
  if (value !== 0 && !(value >= smallest && value <= largest)) {
    throw new Error(`${path}: expected a number from ${smallest} to ${largest}, got ${shown(value)}`);
  }
  return value;
}

function number(fields: Fields, key: string, path: string, range: Range): number {
  return asNumber(fields[key], join(path, key), range);
}

function numberList(value: unknown, path: string, length: number, range: Range): number[] {
  if (!Array.isArray(value)) throw new Error(`${path}: expected an array, got ${shown(value)}`);
  return sized(value, length, path).map((each, i) => asNumber(each, `${path}[${i}]`, range));
}

function numbers(fields: Fields, key: string, path: string, length: number, range: Range): number[] {
  return numberList(fields[key], join(path, key), length, range);
}

function count(fields: Fields, key: string, path: string): number {
  const value = fields[key];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1) {
    throw new Error(`${join(path, key)}: expected a whole number of at least 1, got ${shown(value)}`);
  }
  return value;
}

function text(fields: Fields, key: string, path: string): string {
  const value = fields[key];
  if (typeof value !== "string")
    throw new Error(`${join(path, key)}: expected a string, got ${shown(value)}`);
  return value;
}

function oneOf<T extends string>(fields: Fields, key: string, path: string, values: readonly T[]): T {
  const value = values.find((each) => each === fields[key]);
  if (value === undefined) {
    throw new Error(`${join(path, key)}: expected one of ${values.join(", ")}, got ${shown(fields[key])}`);
  }
  return value;
}
