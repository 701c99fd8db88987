/**
 * OpenTelemetry traces of rounds, where OTEL_EXPORTER_OTLP_ENDPOINT says who takes them: a span a round, in it the
 * planning and each participant's part with its download, training and upload. A participant measures how long these
 * took by its own clock, not when they began: they are drawn one after the other from the round's start.
 */
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import type { Context } from "@opentelemetry/api";

export interface RoundTraces {
  /** @param closedAtMs since 1970 */
  roundClosed(record: RoundRecord, runId: string, closedAtMs?: number): void;
  /** What is not sent yet is sent, or given up after the exporter's own time limit. */
  close(): Promise<void>;
}

/** Null when no endpoint is set. The exporter reads the OTEL_ variables of its specification by itself. */
export async function openTraces(environment: NodeJS.ProcessEnv = process.env): Promise<RoundTraces | null> {
  const endpoint = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint) return null;
  if (!URL.canParse(endpoint))
    throw new Error(`OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL as http://localhost:4318, got ${endpoint}`);
  const [
    api,
    { BasicTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
  ] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-base"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": environment.OTEL_SERVICE_NAME || "fedlodrop" }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer("fedlodrop");

  function span(
    name: string,
    startTime: number,
    endTime: number,
    attributes: Readonly<Record<string, string | number>>,
    parent?: Context,
  ): Context {
    const made = tracer.startSpan(name, { startTime, attributes }, parent);
    made.end(endTime);
    return api.trace.setSpan(parent ?? api.ROOT_CONTEXT, made);
  }

  function participantSpans(participant: ParticipantRound, startMs: number, round: Context): void {
    const { id, backend, outcome, dropoutRate, bytesDown, bytesUp, trainLoss } = participant;
    const parts = [
      ["download", participant.secondsDownload],
      ["train", participant.secondsCompute],
      ["upload", participant.secondsUpload],
    ] as const;
    const took = parts.reduce((sum, [, seconds]) => sum + (seconds ?? 0) * 1000, 0);
    const whole = span(
      "participant",
      startMs,
      startMs + took,
      {
        "fedlodrop.participant": id,
        "fedlodrop.backend": backend,
        "fedlodrop.outcome": outcome,
        "fedlodrop.dropout_rate": dropoutRate,
        "fedlodrop.bytes_down": bytesDown,
        "fedlodrop.bytes_up": bytesUp,
        ...(trainLoss !== null && { "fedlodrop.train_loss": trainLoss }),
      },
      round,
    );
    let at = startMs;
    for (const [name, seconds] of parts) {
      if (seconds === null) continue;
      span(name, at, at + seconds * 1000, {}, whole);
      at += seconds * 1000;
    }
  }

  return {
    roundClosed(record, runId, closedAtMs = Date.now()) {
      const startMs = closedAtMs - record.seconds * 1000;
      const planningMs = record.allocation?.milliseconds ?? 0;
      const round = span("round", startMs - planningMs, closedAtMs, {
        "fedlodrop.run": runId,
        "fedlodrop.round": record.round,
        "fedlodrop.method": record.method,
        "fedlodrop.participants": record.participants.length,
      });
      if (planningMs > 0) span("plan", startMs - planningMs, startMs, {}, round);
      for (const participant of record.participants) participantSpans(participant, startMs, round);
    },
    close: () => provider.shutdown().catch(() => {}), // nobody takes them: the run is none the worse
  };
}
