/**
 * What an operator watches, in Prometheus' format. State is read when somebody asks; rounds and refusals are counted as
 * they happen. Labels are kinds of things, never devices or people.
 */
import { type RunState, shownPresence } from "@fedlodrop/federation";
import type { RefusalReason } from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  refused(reason: RefusalReason): void;
  roundClosed(record: RoundRecord): void;
}

export interface MetricsOptions {
  readonly run: () => { readonly state: RunState };
  readonly connections: () => number;
}

const ROUND_SECONDS = [1, 2, 5, 10, 20, 40, 60, 120, 300, 600];
const SOLVER_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const PHASES: readonly RunState["kind"][] = [
  "lobby",
  "planning",
  "training",
  "closing",
  "evaluating",
  "paused",
  "ended",
];

export function openMetrics({ run, connections }: MetricsOptions): Metrics {
  const register = new Registry();
  const registers = [register];
  // Memory, processor time, garbage collection, and how late the event loop is.
  collectDefaultMetrics({ register });
  const refusals = new Counter({
    name: "fedlodrop_refusals_total",
    help: "Messages of participants that were refused",
    labelNames: ["reason"],
    registers,
  });
  const updates = new Counter({
    name: "fedlodrop_updates_total",
    help: "What became of participants in rounds that have closed",
    labelNames: ["outcome"],
    registers,
  });
  const payload = new Counter({
    name: "fedlodrop_payload_bytes_total",
    help: "Bytes of sub-adapters sent (down) and of updates received (up), in rounds that have closed",
    labelNames: ["direction"],
    registers,
  });
  const rounds = new Histogram({
    name: "fedlodrop_round_seconds",
    help: "From a round's start until it closed",
    buckets: ROUND_SECONDS,
    registers,
  });
  const solver = new Histogram({
    name: "fedlodrop_solver_seconds",
    help: "Time that a round's dropout rates and uplink shares took to solve",
    labelNames: ["method"],
    buckets: SOLVER_SECONDS,
    registers,
  });
  new Gauge({
    name: "fedlodrop_connections",
    help: "Open Socket.IO connections, hosts included",
    registers,
    collect() {
      this.set(connections());
    },
  });
  new Gauge({
    name: "fedlodrop_participants",
    help: "Participants by presence",
    labelNames: ["presence"],
    registers,
    collect() {
      for (const presence of ["loading", "ready", "away", "kicked"]) this.set({ presence }, 0);
      for (const one of run().state.participants.values()) this.inc({ presence: shownPresence(one) });
    },
  });
  new Gauge({
    name: "fedlodrop_phase",
    help: "1 for the phase that the run is in",
    labelNames: ["phase"],
    registers,
    collect() {
      for (const phase of PHASES) this.set({ phase }, run().state.kind === phase ? 1 : 0);
    },
  });
  new Gauge({
    name: "fedlodrop_held_out_loss",
    help: "Loss of the whole model on held-out texts after the last round that was measured, nats",
    registers,
    collect() {
      const measured = run().state.records.findLast(({ testLoss }) => testLoss !== null);
      if (measured?.testLoss != null) this.set(measured.testLoss);
      else this.remove();
    },
  });

  return {
    contentType: register.contentType,
    refused: (reason) => refusals.inc({ reason }),
    roundClosed({ seconds, participants, allocation }) {
      rounds.observe(seconds);
      for (const { outcome, bytesDown, bytesUp } of participants) {
        updates.inc({ outcome });
        payload.inc({ direction: "down" }, bytesDown);
        payload.inc({ direction: "up" }, bytesUp);
      }
      if (allocation?.milliseconds != null)
        solver.observe({ method: allocation.method }, allocation.milliseconds / 1000);
    },
    text: () => register.metrics(),
  };
}
