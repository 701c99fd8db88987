/** The runs of a cluster as a page to look at, which needs no script and asks for itself again. */
import type { ListedRun } from "../runs/listed-run.ts";
import { escaped } from "./interface-page.ts";

const SECONDS = 5;
const HEADINGS = ["Run", "State", "Round", "Devices", "Updates", "Begun", "Owner"];

export const runsPage = (runs: readonly ListedRun[]): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="${SECONDS}"><meta name="color-scheme" content="light dark"><title>Runs</title>
<h1>Runs</h1>
<table border="1" cellpadding="6">
<thead><tr>${HEADINGS.map((heading) => `<th scope="col">${heading}</th>`).join("")}</tr></thead>
<tbody>
${runs.map(row).join("\n")}
</tbody>
</table>
</html>
`;

function row({ name, url, state, round, rounds, devices, updates, begun, owner }: ListedRun): string {
  const called = url === null ? escaped(name) : `<a href="${escaped(url)}">${escaped(name)}</a>`;
  const cells = [
    escaped(state),
    rounds === null ? `${round}` : `${round} of ${rounds}`,
    devices ?? "",
    updates,
    escaped(begun?.slice(0, 16).replace("T", " ") ?? ""),
    escaped(owner ?? ""),
  ];
  return `<tr><th scope="row">${called}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}
