/** The methods that set dropout rates, in words. */
import type { Method } from "@fedlodrop/run";

export const METHOD_WORDS: Readonly<Record<Method, { readonly title: string; readonly sentence: string }>> = {
  fedlora: { title: "FedLoRA (no dropout)", sentence: "Everybody trains and sends the whole adapter." },
  fixed: { title: "Fixed rate", sentence: "The same dropout rate for every device." },
  random: { title: "Random rates", sentence: "Each device draws its rate anew each round." },
  greedy: { title: "Greedy", sentence: "Capacity goes step by step to the device that gains most." },
  equal: { title: "Equal shares", sentence: "Equal link shares and the best common rate." },
  "p-sca": { title: "P-SCA", sentence: "A fast approximate optimum by successive convex steps." },
  "branch-and-bound": {
    title: "Branch and bound",
    sentence: "The optimum, with a certificate of how close it is.",
  },
};

/** Methods in which every device gets the host's own rate γ. */
export const usesFixedRate = (method: Method): boolean => method === "fixed";

/** Methods that choose rates up to the greatest one. */
export const choosesRates = (method: Method): boolean => method !== "fixed" && method !== "fedlora";
