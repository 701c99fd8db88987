import { expect, it } from "vitest";
import { methods } from "./problem.ts";
import { solvers } from "./solve.ts";
import { edgeCases, solverContract } from "./solver.contract.ts";

for (const method of methods) {
  solverContract(method, solvers[method]);
  it(`${method} labels its answers`, () => {
    expect(solvers[method](edgeCases[0]!.problem).method).toBe(method);
  });
}
