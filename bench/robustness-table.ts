/** The attack table of docs/robustness.md, from docs/results/robustness.csv. */

interface Row {
  readonly rule: string;
  readonly attack: string;
  /** Percent of the devices. */
  readonly hostile: number;
  readonly seed: string;
  readonly loss: number;
  /** Share of the hostile updates that was bounded or left out; null without hostile devices. */
  readonly clipped: number | null;
  readonly honestClipped: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * One line for each rule, attack and share, each compared with the same rule's and seeds' runs of honest devices: where one
 * of those is missing, so is what would be compared with it.
 */
export function robustnessTable(csv: string): string {
  const all = parse(csv);
  const honestOf = ({ rule, seed }: Row): Row | undefined =>
    all.find((row) => row.rule === rule && row.attack === "none" && row.seed === seed);
  const rows = all.filter((row) => honestOf(row) !== undefined);
  const keys = [...new Set(rows.map(({ rule, attack, hostile }) => [rule, attack, hostile].join()))];
  const lines = keys.map((key) => {
    const own = rows.filter(({ rule, attack, hostile }) => [rule, attack, hostile].join() === key);
    const [{ rule, attack, hostile }] = own as [Row];
    const above = attack === "none" ? [] : own.map((row) => row.loss - (honestOf(row) as Row).loss);
    const clipped = own.flatMap((row) => row.clipped ?? []);
    return [
      `\`${rule}\``,
      attack,
      `${hostile} %`,
      mean(own.map(({ loss }) => loss)).toFixed(3),
      above.length === 0 ? "" : `${mean(above) < 0 ? "" : "+"}${mean(above).toFixed(3)}`,
      clipped.length === 0 ? "" : `${Math.round(100 * mean(clipped))} %`,
      `${Math.round(100 * mean(own.map(({ honestClipped }) => honestClipped)))} %`,
      `${own.length}`,
    ];
  });
  return [
    "| rule | attack | hostile | held-out loss | above all honest | hostile updates bounded or left out | honest ones | seeds |",
    "|---|---|---|---|---|---|---|---|",
    ...lines.toSorted(inOrder).map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

/** @throws when the document has no place for it */
export function withTable(document: string, table: string): string {
  const place = /(<!-- written by [^>]*-->\n)[\s\S]*?(\n<!-- end -->)/;
  if (!place.test(document)) throw new Error("expected a place for the table between two comments");
  return document.replace(place, (_, before: string, after: string) => `${before}\n${table}\n${after}`);
}

const RULES = ["mean", "clipped-mean", "trimmed-mean", "median", "krum"];

function inOrder(a: readonly string[], b: readonly string[]): number {
  const rank = ([rule, attack, hostile]: readonly string[]): [number, number, string] => [
    RULES.findIndex((name) => rule === `\`${name}\``),
    attack === "none" ? 0 : Number.parseInt(hostile as string, 10),
    attack as string,
  ];
  const [[ruleA, shareA, attackA], [ruleB, shareB, attackB]] = [rank(a), rank(b)];
  return ruleA - ruleB || shareA - shareB || attackA.localeCompare(attackB, "en");
}

/** Runs of ten devices and eight rounds at γ = 0.3; others are in the file for themselves. */
function parse(csv: string): readonly Row[] {
  return csv
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .filter(([, , , devices, rounds, dropout]) => devices === "10" && rounds === "8" && dropout === "0.3")
    .map(([rule, attack, hostile, devices, , , seed, , loss, clipped, honestClipped]) => ({
      rule: rule as string,
      attack: attack as string,
      hostile: (100 * Number(hostile)) / Number(devices),
      seed: seed as string,
      loss: Number(loss),
      clipped: clipped === "" ? null : Number(clipped),
      honestClipped: Number(honestClipped),
    }));
}
