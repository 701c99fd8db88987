/** Checks an allocation against the problem as stated, from first principles and without any solver's shortcuts. */
import type { Allocation, AllocationProblem, DeviceLoad, Preparation } from "./problem.ts";

/** What is broken, one line each; empty for a feasible allocation. `tolerance` is relative. */
export function violations(problem: AllocationProblem, allocation: Allocation, tolerance = 1e-9): string[] {
  const broken: string[] = [];
  const atMost = (what: string, value: number, limit: number): void => {
    if (!(value <= limit + tolerance * Math.max(Math.abs(limit), 1e-12))) {
      broken.push(`${what}: expected at most ${limit}, got ${value}`);
    }
  };
  let shares = 0;
  allocation.devices.forEach((device, k) => {
    if (device.kind === "excluded") return;
    const load = problem.devices[k] as DeviceLoad;
    const preparation = load.preparations[device.operatingPoint] as Preparation;
    const s = 1 - device.dropoutRate;
    const bits = load.uploadBits.fixed + load.uploadBits.perKeepRate * s;
    const rate = linkRate(problem, allocation, k);
    atMost(`device ${k} dropout rate`, device.dropoutRate, problem.maxDropoutRate);
    atMost(`device ${k} keep rate`, s, 1 - problem.minDropoutRate);
    atMost(`device ${k} upload seconds needed`, bits / rate, device.uploadSeconds);
    const prepared = preparation.seconds.fixed + preparation.seconds.perKeepRate * s;
    atMost(`device ${k} latency`, prepared + device.uploadSeconds, problem.deadlineSeconds);
    atMost(`device ${k} latency given`, prepared + device.uploadSeconds, device.latencySeconds);
    const joules = preparation.joules.fixed + preparation.joules.perKeepRate * s;
    atMost(`device ${k} energy`, joules + radioJoules(problem, allocation, k, bits), load.energyLimitJoules);
    shares += device.linkShare;
    if (problem.link.kind === "radio") {
      atMost(`device ${k} power`, ownWatts(allocation, k), problem.link.maxTransmitPowerWatts[k] as number);
    }
  });
  atMost("shares of the link together", shares, 1);
  return broken;
}

/** Bit/s the allocation gives a device. */
function linkRate({ link }: AllocationProblem, allocation: Allocation, k: number): number {
  if (link.kind === "radio") {
    return allocation.owner.reduce((sum: number, owner, m) => {
      const gain = link.gainPerWatt[k]?.[m] as number;
      const watts = allocation.subChannelWatts[m] as number;
      return owner === k ? sum + link.subChannelHertz * Math.log2(1 + watts * gain) : sum;
    }, 0);
  }
  const device = allocation.devices[k];
  const share = device?.kind === "admitted" ? device.linkShare : 0;
  const own = link.bitsPerSecond[k] as number;
  return Math.min(own, share * (link.shared.kind === "ingress" ? link.shared.bitsPerSecond : own));
}

function radioJoules({ link }: AllocationProblem, allocation: Allocation, k: number, bits: number): number {
  const device = allocation.devices[k];
  if (device?.kind !== "admitted") return 0;
  return link.kind === "radio"
    ? (ownWatts(allocation, k) / (link.amplifierEfficiency[k] as number)) * device.uploadSeconds
    : ((link.radioWatts[k] as number) * bits) / (link.bitsPerSecond[k] as number);
}

function ownWatts(allocation: Allocation, k: number): number {
  return allocation.owner.reduce(
    (sum: number, owner, m) => sum + (owner === k ? (allocation.subChannelWatts[m] as number) : 0),
    0,
  );
}
