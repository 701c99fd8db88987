/** The report: one HTML file with everything in it, and beside it a CSV and the charts of each figure. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DotPlot, dotPlotSvg } from "./dot-plot.ts";
import { cellText, csvText, type Figure, type Table } from "./figure.ts";
import { type Chart, chartSvg, escaped } from "./svg-chart.ts";

export interface ReportTerms {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly command: string;
  /** What a reader has to know before anything else; empty for a full study. */
  readonly caution: string;
  readonly figures: readonly ReportedFigure[];
}

export interface ReportedFigure extends Figure {
  /** What it was made of, and by which commands. */
  readonly madeOf: Table;
}

/** @returns the path of the report */
export async function writeReport(folder: string, terms: ReportTerms): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const figure of terms.figures) {
    await writeFile(join(folder, `figure-${figure.number}.csv`), csvText(figure.table));
    for (const [index, chart] of figure.charts.entries()) {
      const svg = svgOf(chart);
      if (svg !== "") await writeFile(join(folder, `figure-${figure.number}-${index + 1}.svg`), svg);
    }
  }
  const path = join(folder, `${terms.name}.html`);
  await writeFile(path, reportHtml(terms));
  return path;
}

const svgOf = (chart: Chart | DotPlot): string => ("rows" in chart ? dotPlotSvg(chart) : chartSvg(chart));

const tableHtml = ({ columns, rows }: Table): string =>
  `<table><tr>${columns.map((column) => `<th>${escaped(column)}</th>`).join("")}</tr>
${rows.map((row) => `<tr>${row.map((value) => `<td>${escaped(cellText(value))}</td>`).join("")}</tr>`).join("\n")}
</table>`;

export function reportHtml({ command, caution, figures }: Omit<ReportTerms, "name">): string {
  const sections = figures.map(
    ({ number, title, text, charts, table, madeOf }) => `<section>
<h2>Figure ${number}. ${escaped(title)}</h2>
${text.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join("\n")}
${table.rows.length === 0 ? "<p><em>Nothing of this has been run yet.</em></p>" : ""}
<div class="charts">${charts.map(svgOf).join("\n")}</div>
<details${charts.length === 0 ? " open" : ""}><summary>The numbers (figure-${number}.csv)</summary>
${tableHtml(table)}</details>
<details class="made"><summary>How it was made</summary>
${tableHtml(madeOf)}</details>
</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>FedLoDrop: figures</title>
<style>body{font:16px/1.5 sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#222}.charts{display:flex;flex-wrap:wrap;gap:1rem}svg{max-width:100%;height:auto}table{border-collapse:collapse;font-size:13px;display:block;overflow-x:auto}th,td{padding:2px 8px;border-bottom:1px solid #ddd;text-align:right}code{background:#f3f3f3;padding:2px 6px}.made td{text-align:left;vertical-align:top;min-width:4rem}.made td:nth-child(3),.made td:last-child{min-width:18rem}.made td:last-child{font-family:monospace;user-select:all}.caution{border-left:4px solid #d55e00;padding-left:1rem}</style></head>
<body><h1>FedLoDrop: figures</h1>
<p>Drawn by <code>npx ${escaped(command)}</code>. Losses are in nats. Under each figure is what it was made of, with the commands that run what a folder lacks.</p>
${caution === "" ? "" : `<p class="caution">${escaped(caution)}</p>`}
${sections.join("\n")}
</body></html>
`;
}
