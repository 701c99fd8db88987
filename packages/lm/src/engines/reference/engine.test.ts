import { describe, test } from "vitest";
import { engineChecks } from "../engine.contract.ts";
import { openReference } from "./engine.ts";

describe("the reference engine", () => {
  test.each(engineChecks)("$name", ({ check }) => check(openReference));
});
