import type { HostView, ParticipantView } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { createLiveTable, terminalColors } from "./live-table.ts";

const lane = (id: string, state: ParticipantView["state"]): ParticipantView => ({
  id,
  nickname: `tab ${id.slice(1)}`,
  state,
  backend: "wasm",
  deviceDescription: null,
  deviceName: "Obama",
  dropoutRate: 0.3,
  step: 2,
  localSteps: 8,
  loss: 3.14,
  tokensPerSecond: 1000,
  bytesDown: 49_168,
  bytesUp: 1_500_000,
});

const view = (change: Partial<HostView>): HostView => ({
  runId: "run",
  phase: "training",
  round: 1,
  basedOnRound: 0,
  config: { ...DEFAULT_RUN_CONFIG, rounds: 2 },
  taskKind: "language-model",
  locked: false,
  pausing: false,
  joinUrl: "http://localhost/",
  lesson: null,
  access: { roomCode: null, approval: false, waiting: [] },
  secondsToDeadline: 60,
  baseTestLoss: 4,
  participants: [lane("p1", "training"), lane("p2", "uploading")],
  rounds: [],
  notice: null,
  standstill: null,
  availableTasks: [],
  ...change,
});

const closed = {
  round: 1,
  trainLoss: 3.2,
  testLoss: null,
  seconds: 4.2,
  participants: [
    {
      ...{ id: "p1", nickname: "tab 1", backend: "wasm", dropoutRate: 0.3, trainLoss: 3.2 },
      ...{ bytesDown: 1000, bytesUp: 2000, secondsDownload: 0.1, secondsCompute: 3, secondsUpload: 0.2 },
      outcome: "aggregated",
    },
    {
      ...{ id: "p2", nickname: "tab 2", backend: "wasm", dropoutRate: 0.3, trainLoss: null },
      ...{ bytesDown: 1000, bytesUp: 0, secondsDownload: 0.1, secondsCompute: null, secondsUpload: null },
      outcome: "left",
    },
  ],
} as unknown as RoundRecord;

/** Keeps what a terminal would show: understands the one escape sequence the table uses. */
function screen(isTTY: boolean) {
  const lines: string[] = [];
  return {
    isTTY,
    columns: 120,
    lines,
    write(text: string) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
      const up = /^\x1b\[(\d+)A\x1b\[J$/.exec(text);
      if (up) lines.splice(lines.length - Number(up[1]));
      else lines.push(...text.trimEnd().split("\n"));
    },
  };
}

const plain = terminalColors({ isTTY: false }, {});

describe("live table", () => {
  it("redraws in place on a terminal and keeps closed rounds above", () => {
    const terminal = screen(true);
    let now = 100;
    const table = createLiveTable(terminal, plain, () => now);
    table.show(view({}));
    now += 2.5;
    table.show(view({}));
    expect(terminal.lines).toEqual([
      "round 1/2  training",
      "device    backend  state      dropout  step    loss     down       up   time",
      "p1 tab 1  wasm     training      0.30   2/8  3.1400  49.2 kB  1.50 MB  2.5 s",
      "p2 tab 2  wasm     uploading     0.30   2/8  3.1400  49.2 kB  1.50 MB  2.5 s",
    ]);
    table.show(view({ round: 2, rounds: [closed] }));
    expect(terminal.lines[0]).toBe(
      "round 1/2  train loss 3.2000  1 of 2 aggregated  2.0 kB down, 2.0 kB up  4.2 s",
    );
    table.show(view({ round: 2, rounds: [{ ...closed, testLoss: 3.1 }] }));
    expect(terminal.lines.slice(3)).toEqual([
      "round 1/2  held-out loss 3.1000",
      "round 2/2  training",
      "device    backend  state      dropout  step    loss     down       up   time",
      "p1 tab 1  wasm     training      0.30   2/8  3.1400  49.2 kB  1.50 MB  0.0 s",
      "p2 tab 2  wasm     uploading     0.30   2/8  3.1400  49.2 kB  1.50 MB  0.0 s",
    ]);
    table.finish();
    expect(terminal.lines).toHaveLength(4);
  });

  it("prints only what is over where nobody looks at a terminal", () => {
    const terminal = screen(false);
    const table = createLiveTable(terminal, plain, () => 0);
    table.say("ready");
    table.show(view({}));
    table.show(view({ rounds: [closed] }));
    table.show(view({ rounds: [{ ...closed, testLoss: 3.1 }] }));
    table.show(view({ rounds: [{ ...closed, testLoss: 3.1 }], phase: "ended" }));
    expect(terminal.lines).toEqual([
      "ready",
      "round 1/2  train loss 3.2000  1 of 2 aggregated  2.0 kB down, 2.0 kB up  4.2 s",
      "  p1 tab 1  wasm  dropout 0.30  loss 3.2000  1.0 kB down, 2.0 kB up  0.1 s down + 3.0 s compute + 0.2 s up  aggregated",
      "  p2 tab 2  wasm  dropout 0.30  loss –  1.0 kB down, 0 B up  0.1 s down + – compute + – up  left",
      "round 1/2  held-out loss 3.1000",
    ]);
  });
});

it("writes no escape, line end or override of a name", () => {
  const terminal = screen(true);
  const evil = { ...lane("p1", "training"), nickname: "\x1b]0;x\x07\x1b[2J\nAda\u202e" };
  createLiveTable(terminal, plain, () => 0).show(view({ participants: [evil] }));
  expect(terminal.lines).toHaveLength(3);
  expect(terminal.lines[2]).toMatch(/^p1 \]0;x\[2J Ada {2}wasm/);
});

describe("terminalColors", () => {
  it("is plain away from a terminal and wherever NO_COLOR asks", () => {
    expect(terminalColors({ isTTY: true }, { TERM: "xterm" }).isColorSupported).toBe(true);
    expect(terminalColors({ isTTY: true }, { NO_COLOR: "1" }).isColorSupported).toBe(false);
    expect(terminalColors({ isTTY: true }, { TERM: "dumb" }).isColorSupported).toBe(false);
    expect(terminalColors({ isTTY: false }, {}).isColorSupported).toBe(false);
    expect(terminalColors({ isTTY: false }, { FORCE_COLOR: "1" }).isColorSupported).toBe(true);
  });
});
