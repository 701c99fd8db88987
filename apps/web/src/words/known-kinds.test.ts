/** Every kind of refusal, notice and fault there is has words of the reader's: nothing of the sender's English is shown as if it had. */
import { REFUSALS } from "@fedlodrop/protocol";
import type { Exclusion } from "@fedlodrop/run";
import { TASK_DEFINITIONS, type TextFault } from "@fedlodrop/tasks";
import { type ComponentChildren, h } from "preact";
import { beforeAll, expect, it } from "vitest";
import { Standstill } from "../pages/host/controls.tsx";
import { exclusionWords } from "../pages/host/exclusion-words.ts";
import { Problem } from "../pages/host/problem.tsx";
import { Revealing } from "../pages/host/revealing.tsx";
import { faultWords } from "../pages/participant/fault-words.ts";
import { NoticeLine } from "../pages/participant/notice-line.tsx";
import { Stopped } from "../pages/participant/plain-screen.tsx";
import type { Stop } from "../pages/participant/state.ts";
import { labelName, taskStory } from "../ui/task-words.ts";
import { CHINESE } from "./chinese.fixture.ts";
import { NOTICES, PROBLEMS, SENT, STANDSTILLS } from "./kinds.fixture.ts";
import { shownOf } from "./shown.fixture.ts";
import { speak } from "./words.ts";

beforeAll(() => speak("zh", CHINESE));

function expectChinese(shown: ComponentChildren): void {
  const text = shownOf(shown);
  expect(text).toMatch(/\p{Script=Han}{4}/u);
  expect(text).not.toContain(SENT);
  expect(text).not.toMatch(/[A-Za-z]{3,} [A-Za-z]{2,}/);
}

const reasons = REFUSALS.map((reason) => [reason] as const);

it.each(reasons)("a participant who is told %s", (reason) => {
  for (const kind of ["dismissed", "refused"] as const)
    expectChinese(h(Stopped, { stop: { kind, reason, message: SENT } }));
});

it.each(NOTICES)("a participant who is told %o", (notice) => expectChinese(h(NoticeLine, { notice })));

it("a participant whose refusal has no screen of its own is told the reason", () =>
  expect(shownOf(h(Stopped, { stop: { kind: "refused", reason: "bad-message", message: SENT } }))).toContain(
    CHINESE["refused.bad-message"],
  ));

it.each(["left", "killed", "failed"] as const)("a participant who is stopped: %s", (kind) => {
  const stop: Stop = { kind, reason: null, message: SENT };
  expectChinese(h(Stopped, { stop }));
});

it.each(PROBLEMS)("a host who is told %o", (problem) => expectChinese(h(Problem, { problem })));

it.each(STANDSTILLS)("a run that stands still: %o", (standstill) =>
  expectChinese(h(Standstill, { view: { notice: SENT, standstill } })),
);

it("a round whose sum could not be had", () => {
  const round = { round: 2, participants: [], secureAggregation: { problem: SENT } };
  expectChinese(h(Revealing, { rounds: [round], config: {} } as unknown as Parameters<typeof Revealing>[0]));
});

const exclusions: readonly Exclusion[] = [
  { cause: "others" },
  { cause: "stalls", stalls: 2, nextRound: 6 },
  ...(["compute", "energy", "link"] as const).flatMap((cause) =>
    [null, 90].flatMap((leastDeadlineSeconds) =>
      [null, 12].map((leastEnergyJoules) => ({ cause, leastDeadlineSeconds, leastEnergyJoules })),
    ),
  ),
];
it.each(exclusions)("a device that is left out: %o", (exclusion) => expectChinese(exclusionWords(exclusion)));

const FAULTS: Readonly<Record<TextFault["kind"], TextFault>> = {
  "too-large": { kind: "too-large", most: 20, got: 21 },
  "too-short": { kind: "too-short", least: 2000, got: 6 },
  empty: { kind: "empty" },
  "other-ending": { kind: "other-ending" },
  "no-text-file": { kind: "no-text-file" },
  "broken-parquet": { kind: "broken-parquet" },
  "no-column": { kind: "no-column" },
  "column-twice": { kind: "column-twice", column: "text" },
  "broken-line": { kind: "broken-line", line: 3 },
  "broken-conversation": { kind: "broken-conversation", line: 3 },
  "wrong-field": { kind: "wrong-field", line: 3, field: "text" },
  "other-label": { kind: "other-label", line: 3, labels: ["ham", "spam"] },
  "no-score": { kind: "no-score", line: 3, least: -100, most: 100 },
  "not-one-text": { kind: "not-one-text", line: 3 },
  "not-two-texts": { kind: "not-two-texts", line: 3 },
  "not-conversation": { kind: "not-conversation", line: 3 },
};
it.each(Object.values(FAULTS))("a text that will not do: %o", (fault) => expectChinese(faultWords(fault)));

it("a task that is made of a file's rows", () => expectChinese(taskStory("a.csv", SENT)));

it("classes of the tasks that come with the project", () => {
  const labels = TASK_DEFINITIONS.flatMap((task) => task.labels);
  expect(labels.filter((label) => !Object.hasOwn(CHINESE, `label.${label}`))).toEqual([]);
  expect(labels.map(labelName)).not.toContain("spam");
});
