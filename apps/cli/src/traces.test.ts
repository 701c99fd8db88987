import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type RoundRecord, roundRecordSchema } from "@fedlodrop/run";
import { expect, it, vi } from "vitest";
import { openTraces } from "./traces.ts";

const RECORD: RoundRecord = roundRecordSchema.parse({
  round: 3,
  basedOnRound: 2,
  method: "fixed",
  deadlineSeconds: 30,
  trainLoss: 3.5,
  testLoss: null,
  evaluation: null,
  seconds: 10,
  participants: [
    {
      id: "p1",
      nickname: "ottilie",
      backend: "wasm",
      dropoutRate: 0.5,
      keptValues: 10,
      fullValues: 20,
      bytesDown: 40,
      bytesUp: 44,
      secondsDownload: 1,
      secondsCompute: 5,
      steps: 4,
      secondsUpload: 2,
      uploadBytesPerSecond: null,
      downlinkBytesPerSecond: null,
      uplinkBytesPerSecond: null,
      uploadLimitedBy: "link",
      rateSource: "measured",
      sampleCount: 8,
      trainLoss: 3.5,
      energyJoules: null,
      energySource: null,
      tokens: null,
      roundTripSeconds: null,
      gradientNorm95: null,
      lossSpread: null,
      outcome: "aggregated",
      update: null,
    },
  ],
  allocation: null,
});

interface ExportedSpan {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

async function withCollector(use: (url: string) => Promise<void>): Promise<readonly ExportedSpan[]> {
  const spans: ExportedSpan[] = [];
  const collector = createServer(async (request, response) => {
    let body = "";
    for await (const text of request.setEncoding("utf8")) body += text;
    for (const { scopeSpans } of JSON.parse(body).resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((listening) => collector.listen(0, "127.0.0.1", listening));
  try {
    await use(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`);
  } finally {
    collector.closeAllConnections();
    collector.close();
  }
  return spans;
}

it("sends a span a round, with what each participant did inside it", async () => {
  const before = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const spans = await withCollector(async (url) => {
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url; // The exporter reads the process's own.
    const traces = await openTraces();
    traces?.roundClosed(RECORD, "run-1", 1_000_000);
    await traces?.close();
  });
  if (before === undefined) delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  else process.env.OTEL_EXPORTER_OTLP_ENDPOINT = before;

  const seconds = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1_000_000n) / 1000;
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  expect(
    spans.map((span) => [
      span.name,
      span.parentSpanId ? nameOf.get(span.parentSpanId) : null,
      seconds(span.startTimeUnixNano),
      seconds(span.endTimeUnixNano),
    ]),
  ).toEqual([
    ["round", null, 990, 1000],
    ["participant", "round", 990, 998],
    ["download", "participant", 990, 991],
    ["train", "participant", 991, 996],
    ["upload", "participant", 996, 998],
  ]);
  expect(spans[0]?.attributes).toContainEqual({ key: "fedlodrop.round", value: { intValue: 3 } });
  expect(JSON.stringify(spans)).not.toContain("ottilie"); // names of people stay here
});

it("ends all the same when nobody takes them", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"); // the discard port: refused
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
  const traces = await openTraces();
  traces?.roundClosed(RECORD, "run-1", 1_000_000);
  await traces?.close();
  vi.unstubAllEnvs();
});

it("traces nothing without an endpoint, and says what one looks like", async () => {
  expect(await openTraces({})).toBeNull();
  await expect(openTraces({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" })).rejects.toThrow(
    "OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL as http://localhost:4318, got collector",
  );
});
