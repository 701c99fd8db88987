/** Every command of `fedlodrop`: what it is for in one line, and where it is. */

interface Command {
  readonly help: string;
  readonly load: () => Promise<(args: readonly string[]) => Promise<void>>;
}

/** Loaded by name, so that `--help` does not wait for a browser kit or a language model. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    help: "open a run: participant page, host page and QR code at one URL",
    load: async () => (await import("./serve.ts")).serve,
  },
  federate: {
    help: "run a federation of N real Chromium tabs to its report",
    load: async () => (await import("./federate.ts")).federate,
  },
  join: {
    help: "take part in a run without a browser",
    load: async () => (await import("./join.ts")).join,
  },
  reproduce: {
    help: "make the figures of loss, cost and limits, and one report of them",
    load: async () => (await import("./reproduce.ts")).reproduce,
  },
  simulate: {
    help: "play rounds of thousands of simulated devices on a small model",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  compare: {
    help: "put finished runs beside each other, in one report",
    load: async () => (await import("./compare.ts")).compare,
  },
  replay: {
    help: "play a finished run's folder in the host's screens",
    load: async () => (await import("./replay.ts")).replay,
  },
  export: {
    help: "write a run's adapter as PEFT or llama.cpp has it, or the merged model",
    load: async () => (await import("./export.ts")).exportRun,
  },
  runs: {
    help: "list the runs of a PostgreSQL, and fetch their results",
    load: async () => (await import("./runs.ts")).runs,
  },
  model: {
    help: "fetch, list, inspect and remove models of a hub",
    load: async () => (await import("./model/command.ts")).model,
  },
  doctor: {
    help: "say what this machine and its browser can do",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  allocate: {
    help: "solve the dropout-rate and resource allocation problem of a file",
    load: async () => (await import("./allocate/command.ts")).allocate,
  },
};
