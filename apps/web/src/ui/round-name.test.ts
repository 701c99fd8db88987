import { DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";
import { afterEach, expect, it } from "vitest";
import { CHINESE } from "../words/chinese.fixture.ts";
import { ENGLISH } from "../words/english.fixture.ts";
import { speak } from "../words/words.ts";
import { roundName, roundsPlanned } from "./round-name.ts";

const alone: RunConfig = { ...DEFAULT_RUN_CONFIG, rounds: 20, method: "fixed", dropoutRate: 0.5 };
const compared: RunConfig = { ...alone, compareWith: { method: "fedlora", dropoutRate: 0 } };
const [own, other] = ([0, 1] as const).map((arm) => ({ round: 7 + arm, turn: { arm, number: 4 } }));

afterEach(() => speak("en", ENGLISH));

it("names a round by its number, and of two arms by whose it is and the number there", () => {
  expect(roundName(alone, { round: 7 })).toBe("7");
  expect(own && roundName(compared, own)).toBe("4, with 50% dropped");
  expect(other && roundName(compared, other)).toBe("4, without dropout");
});

it("counts the rounds that are to come as the arms will count them", () => {
  expect(roundsPlanned(alone)).toBe("20 rounds");
  expect(roundsPlanned(compared)).toBe("20 rounds of each of two models, by turns");
});

it("says so in Chinese", () => {
  speak("zh", CHINESE);
  expect(other && roundName(compared, other)).toBe("4（不丢弃）");
  expect(roundsPlanned(compared)).toBe("两个模型轮流，各 20 轮");
});
