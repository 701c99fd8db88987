/** What an attacker may put on the wire: every kind of message nearly right, raw frames, host commands, requests. */
import {
  type ClientToServerEvents,
  type HostCommand,
  hostCommandSchema,
  PROTOCOL_VERSION,
} from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type Random } from "@fedlodrop/run";
import { device, statistics } from "../../packages/protocol/src/told-by-device.fixture.ts";
import { mutated, oddValue, pick } from "./odd-values.ts";

type EventName = keyof ClientToServerEvents;

/** @param bytes of an update in this round */
const SAMPLES: Readonly<Record<EventName, (random: Random, bytes: number) => readonly unknown[]>> = {
  join: () => [{ protocolVersion: PROTOCOL_VERSION, nickname: "f", token: "x".repeat(32), resumesRound: 1 }],
  ready: () => [{ runId: "r", ...device }],
  ping: () => [],
  evaluated: (random) => [
    {
      round: pick(random, [0, 1, 2, 1e9]),
      measured: pick<unknown>(random, [
        null,
        { testLoss: 1, trainLoss: null, baseTestLoss: 2, count: 3, seconds: 1 },
        { testLoss: Number.NaN, trainLoss: -1, baseTestLoss: 1e300, count: 0, seconds: -1 },
      ]),
    },
  ],
  progress: () => [{ round: 1, step: 1, loss: 1, tokensPerSecond: 1 }],
  "upload-begin": (_, bytes) => [{ round: 1, bytes, attempt: 1 }],
  "upload-chunk": (random, bytes) => [
    {
      round: pick(random, [1, 1, 1, 1, 0, 2, -1, 1e9]),
      offset: pick(random, [0, 0, 1, 64, -1, 1e12, bytes, bytes - 1]),
    },
    pick<unknown>(random, [
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(64),
      Buffer.alloc(bytes),
      "s",
      null,
      [],
    ]),
  ],
  "upload-end": () => [{ round: 1, statistics }],
  "secure-answer": (random) => [
    {
      round: 1,
      kind: pick(random, ["keys", "shares", "signature", "reveal"]),
      bytes: Buffer.alloc(pick(random, [0, 1, 64, 192, 2 ** 18])),
    },
  ],
  guess: (random) => [
    { slideId: pick(random, ["q", "", "x".repeat(65)]), choice: pick(random, [0, 1, 5, 6, -1]) },
  ],
  leave: () => [],
};
export const EVENTS = Object.keys(SAMPLES) as readonly EventName[];

/** Arguments of a message of this kind: right now and then, nearly right mostly, nonsense sometimes. */
export function hostileArguments(random: Random, event: EventName, bytes: number): readonly unknown[] {
  const right = SAMPLES[event](random, bytes);
  const how = random.uniform();
  if (how < 0.1) return right;
  if (how < 0.15) return [];
  if (how < 0.2) return [oddValue(random), oddValue(random), oddValue(random)];
  return right.map((argument, k) => (k === 0 ? mutated(random, argument) : argument));
}

/** In no run of a million messages: a kick of somebody who came asks the host about everybody else of the same address. */
const NOBODY = "p1000000";

const COMMANDS: readonly unknown[] = [
  { kind: "kick", participantId: NOBODY },
  { kind: "readmit", participantId: NOBODY },
  { kind: "lock", locked: false },
  { kind: "require-approval", required: false },
  { kind: "admit", waitingId: "nobody", allowed: true },
  { kind: "room-code", wanted: false },
  { kind: "change", change: { deadlineSeconds: 5 } },
  { kind: "change", change: JSON.parse('{"__proto__":{"polluted":1},"deviceEnergyLimitsJoules":{"x":3}}') },
  { kind: "configure", config: DEFAULT_RUN_CONFIG },
  { kind: "lesson", slide: { id: "q", title: "t", caption: "c", question: null } },
  { kind: "start" },
  { kind: "resume" },
];

/** A host's command that changes nothing which the honest ones would notice: those that would are drawn again. */
export function hostileCommand(random: Random): unknown {
  for (;;) {
    const command = mutated(random, pick(random, COMMANDS));
    const readings = overTheWire(command).map((reading) => hostCommandSchema.safeParse(reading));
    if (readings.every(({ success, data }) => !success || isHarmless(data))) return command;
  }
}

/** As it may arrive: JSON, in which Socket.IO loses keys named `__proto__` when there is a Buffer beside them. */
function overTheWire(value: unknown): readonly unknown[] {
  try {
    const text = JSON.stringify(value) ?? "null";
    return [JSON.parse(text), JSON.parse(text, (key, inner) => (key === "__proto__" ? undefined : inner))];
  } catch {
    return [];
  }
}

function isHarmless(command: HostCommand): boolean {
  switch (command.kind) {
    case "kick":
    case "readmit":
      return command.participantId === NOBODY || !/^p\d+$/.test(command.participantId);
    case "lock":
      return !command.locked;
    case "require-approval":
      return !command.required;
    case "room-code":
      return !command.wanted;
    case "change":
      return Object.keys(command.change).length === 0;
    case "pause":
    case "stop":
      return false;
    default:
      return true; // refused in an open round
  }
}

const NAMES = [
  ...["constructor", "__proto__", "prototype", "toString", "connect", "disconnect", "disconnecting", "error"],
  ...["newListener", "removeListener", "connection", "data", "", "\u0000", "view", "command", "round-start"],
];

/** A WebSocket frame below Socket.IO: event names that objects have, brackets without end, attachments that lie. */
export function hostileFrame(random: Random): string | Buffer {
  const frames: readonly (() => string | Buffer)[] = [
    () => `42${JSON.stringify([pick(random, NAMES), oddValue(random) ?? null])}`,
    () => `42${JSON.stringify([pick<unknown>(random, [1, null, {}, [], true]), 1])}`,
    () => "42[",
    () => `42${"[".repeat(2000)}`,
    () => "437[]",
    () => `4${random.below(20)}`,
    () => `45${random.below(12)}-["join",{"_placeholder":true,"num":${random.below(12)}}]`,
    () => '451000000-["x"]',
    () => "45-1-[]",
    () => Buffer.alloc(random.below(64), random.below(256)),
    () => pick(random, ["40/host,{}", "40/nope,", '40/host,{"key":{"length":16}}', "41", "44{}"]),
    () => '42/host,["command",{"kind":"start"}]',
    () => pick(random, ["6", "5", "2probe", "1", "x".repeat(100)]),
    () => '420["join",{"__proto__":{"polluted":1},"protocolVersion":2,"nickname":"a"}]',
    () => '42999999999999999999["ping"]',
    () => `42${"9".repeat(5000)}["ping"]`,
    () => '453-["upload-chunk",{"_placeholder":true,"num":"__proto__"},{"_placeholder":true,"num":-1}]',
  ];
  return pick(random, frames)();
}

export interface HostileRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PATHS = [
  ...[
    "/",
    "/host",
    "/healthz",
    "/api/run",
    "/api/report",
    "/api/split",
    "/api/adapter",
    "/api/adapter.safetensors",
  ],
  ...[
    "/models/base/config.json",
    "/models/../package.json",
    "/models/%2e%2e/%2e%2e/etc/passwd",
    "/%",
    "//",
    "/%00",
  ],
  ...["/socket.io/", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=polling&sid=x"],
  ...[
    "/socket.io/?EIO=9&transport=x",
    "/api/sub-adapter?round=1",
    "/api/sub-adapter?round=__proto__",
    "/assets/x.js",
  ],
];

const printed = (value: unknown): string =>
  `${JSON.stringify(value)}`.slice(0, 200).replace(/[\ud800-\udfff]/g, "?");

export function hostileRequest(random: Random): HostileRequest {
  const tail = random.uniform() < 0.3 ? `?${encodeURIComponent(printed(oddValue(random)))}` : "";
  const path = `${pick(random, PATHS)}${tail}`;
  return {
    method: pick(random, ["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    path,
    headers: pick<Readonly<Record<string, string>>>(random, [
      {},
      { authorization: pick(random, ["Bearer x", "Bearer", "Basic a2V5", `Bearer ${"x".repeat(4000)}`]) },
      { range: pick(random, ["bytes=0-", "bytes=5-1", "bytes=0-1,2-3,4-5", "bytes=-0", "x"]) },
      { origin: pick(random, ["null", "http://evil.example", "x"]) },
      { "content-type": pick(random, ["application/json", "text/plain", "x/y; charset=zz"]) },
      { "x-forwarded-for": "1.2.3.4, __proto__" },
      { "if-none-match": '"x"', "if-range": "x" },
    ]),
    body: random.uniform() < 0.3 ? "x".repeat(random.below(2000)) : "",
  };
}
