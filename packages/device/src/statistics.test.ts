import { expect, it } from "vitest";
import { mean } from "./statistics.ts";

it("averages", () => expect(mean([1, 2, 6])).toBe(3));
