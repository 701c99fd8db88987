/** The federation as it happens: a line for everything that is over and, on a terminal, a table of what is not. */
import { cleanText, type HostView, MAX_NICKNAME_CHARACTERS, type ParticipantView } from "@fedlodrop/protocol";
import { type RoundRecord, roundsInAll } from "@fedlodrop/run";
import { createColors } from "picocolors";

export type Colors = ReturnType<typeof createColors>;

/** @param stream asked for colour as NO_COLOR and FORCE_COLOR have it, plain where nobody looks at a terminal. */
export function terminalColors(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Colors {
  const wanted = environment.FORCE_COLOR ? true : Boolean(stream.isTTY) && environment.TERM !== "dumb";
  return createColors(wanted && !environment.NO_COLOR);
}

export function bytes(count: number): string {
  if (count < 1e3) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
}
const loss = (value: number | null): string => value?.toFixed(4) ?? "–";
const seconds = (value: number | null): string => (value === null ? "–" : `${value.toFixed(1)} s`);

/** A terminal acts on escapes and overrides: those of a run stored long ago, too. */
const named = ({ id, nickname }: { readonly id: string; readonly nickname: string }): string =>
  `${id} ${cleanText(nickname, MAX_NICKNAME_CHARACTERS)}`.trimEnd();

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (participant: ParticipantView, seconds: number | null) => string;
}

const COLUMNS: readonly Column[] = [
  { title: "device", align: "left", cell: named },
  { title: "backend", align: "left", cell: ({ backend }) => backend ?? "–" },
  { title: "state", align: "left", cell: ({ state }) => state },
  { title: "dropout", align: "right", cell: ({ dropoutRate }) => dropoutRate?.toFixed(2) ?? "–" },
  { title: "step", align: "right", cell: ({ step, localSteps }) => `${step}/${localSteps}` },
  { title: "loss", align: "right", cell: (participant) => loss(participant.loss) },
  { title: "down", align: "right", cell: ({ bytesDown }) => bytes(bytesDown) },
  { title: "up", align: "right", cell: ({ bytesUp }) => bytes(bytesUp) },
  { title: "time", align: "right", cell: (_, elapsed) => seconds(elapsed) },
];

/** The open round as lines of text. @param elapsed seconds each participant has spent in it, by id. */
function tableLines(view: HostView, elapsed: ReadonlyMap<string, number>, colors: Colors): readonly string[] {
  const rows = view.participants.map((participant) =>
    COLUMNS.map(({ cell }) => cell(participant, elapsed.get(participant.id) ?? null)),
  );
  const widths = COLUMNS.map(({ title }, c) =>
    Math.max(title.length, ...rows.map((row) => (row[c] as string).length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => {
        const width = widths[c] as number;
        return COLUMNS[c]?.align === "left" ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return [
    `${colors.bold(`round ${view.round}/${roundsInAll(view.config)}`)}  ${view.phase}`,
    colors.dim(line(COLUMNS.map(({ title }) => title))),
    ...rows.map(line),
  ];
}

/** A closed round: one line for all, one for each participant. */
function roundLines(record: RoundRecord, rounds: number, colors: Colors): readonly string[] {
  const aggregated = record.participants.filter(({ outcome }) => outcome === "aggregated").length;
  const sum = (direction: "bytesDown" | "bytesUp"): number =>
    record.participants.reduce((total, participant) => total + participant[direction], 0);
  return [
    [
      colors.bold(`round ${record.round}/${rounds}`),
      `train loss ${loss(record.trainLoss)}`,
      `${aggregated} of ${record.participants.length} aggregated`,
      `${bytes(sum("bytesDown"))} down, ${bytes(sum("bytesUp"))} up`,
      seconds(record.seconds),
    ].join("  "),
    ...record.participants.map((p) => {
      const text = [
        `  ${named(p)}  ${p.backend}  dropout ${p.dropoutRate.toFixed(2)}`,
        `loss ${loss(p.trainLoss)}  ${bytes(p.bytesDown)} down, ${bytes(p.bytesUp)} up`,
        `${seconds(p.secondsDownload)} down + ${seconds(p.secondsCompute)} compute + ${seconds(p.secondsUpload)} up${p.rateSource === "emulated" ? " (emulated link)" : ""}`,
        p.outcome,
      ].join("  ");
      return p.outcome === "aggregated" ? colors.dim(text) : colors.yellow(text);
    }),
  ];
}

/** An evaluation, which comes while a later round is under way. */
const evaluationLine = ({ round, testLoss }: RoundRecord, rounds: number, colors: Colors): string =>
  `${colors.bold(`round ${round}/${rounds}`)}  held-out loss ${loss(testLoss)}`;

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface LiveTable {
  /** Prints a line that stays. */
  say(line: string): void;
  show(view: HostView): void;
  /** Removes the table; what was said stays. */
  finish(): void;
}

/** @param nowSeconds a clock that only goes forward. */
export function createLiveTable(terminal: Terminal, colors: Colors, nowSeconds: () => number): LiveTable {
  let drawn = 0;
  let roundsSaid = 0;
  const evaluationsSaid = new Set<number>();
  let round = 0;
  let roundStartedAt = 0;
  const elapsed = new Map<string, number>();

  const erase = (): void => {
    if (drawn > 0) terminal.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  const say = (line: string): void => {
    erase();
    terminal.write(`${line}\n`);
  };
  return {
    say,
    show(view) {
      if (view.round !== round) {
        round = view.round;
        roundStartedAt = nowSeconds();
        elapsed.clear();
      }
      for (const { id, state } of view.participants)
        if (state === "downloading" || state === "training" || state === "uploading")
          elapsed.set(id, nowSeconds() - roundStartedAt);
      erase();
      for (const record of view.rounds.slice(roundsSaid))
        for (const line of roundLines(record, roundsInAll(view.config), colors)) say(line);
      roundsSaid = view.rounds.length;
      for (const record of view.rounds.filter(({ testLoss }) => testLoss !== null)) {
        if (!evaluationsSaid.has(record.round)) say(evaluationLine(record, roundsInAll(view.config), colors));
        evaluationsSaid.add(record.round);
      }
      if (!terminal.isTTY || view.phase === "ended") return;
      // A wrapped line would break the count of lines to erase.
      const width = terminal.columns ? terminal.columns - 1 : Number.POSITIVE_INFINITY;
      const lines = tableLines(view, elapsed, colors).map((line, i) => (i < 2 ? line : line.slice(0, width)));
      terminal.write(`${lines.join("\n")}\n`);
      drawn = lines.length;
    },
    finish: erase,
  };
}
