/** What the methods ask of the host. */
import type { Method } from "@fedlodrop/run";

/** Methods in which every device gets the host's own rate γ. */
export const usesFixedRate = (method: Method): boolean => method === "fixed";

/** Methods that choose rates up to the greatest one. */
export const choosesRates = (method: Method): boolean => method !== "fixed" && method !== "fedlora";
