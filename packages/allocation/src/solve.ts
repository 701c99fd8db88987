/** The solver of each method. */
import {
  solveEqual,
  solveEqualOptimalDropout,
  solveGreedy,
  solveHalfDropout,
  solveMaxGain,
  solveNoDropout,
  solveRandomOwners,
} from "./baselines.ts";
import { solveBranchAndBound } from "./branch-and-bound.ts";
import { solvePsca } from "./p-sca.ts";
import type { Allocation, AllocationProblem, Method, SolveOptions, Solver } from "./problem.ts";

export const solvers: Readonly<Record<Method, Solver>> = {
  "branch-and-bound": solveBranchAndBound,
  "p-sca": solvePsca,
  greedy: solveGreedy,
  "equal-optimal-dropout": solveEqualOptimalDropout,
  equal: solveEqual,
  "half-dropout": solveHalfDropout,
  "no-dropout": solveNoDropout,
  "random-owners": solveRandomOwners,
  "max-gain": solveMaxGain,
};

/** Solves by name; on a measured link `branch-and-bound` and `p-sca` both give its exact optimum. */
export function allocate(problem: AllocationProblem, method: Method, options: SolveOptions = {}): Allocation {
  return solvers[method](problem, options);
}
