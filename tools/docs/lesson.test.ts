import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LESSONS, type LessonScript } from "../../apps/web/src/pages/lesson/script.ts";
import { lesson as catalogue } from "../../apps/web/src/words/en/lesson.ts";
import { ROOT } from "./pages.ts";

const words: Readonly<Record<string, unknown>> = catalogue;
const word = (key: string): string => {
  const found = words[key];
  if (typeof found !== "string") throw new Error(`${key}: the catalogue has no such words`);
  return found;
};

/** Each script as the documents have it: what a teacher says and asks, and when. */
function tableOf({ id, steps }: LessonScript): string {
  let begins = 0;
  const rows = steps.flatMap(({ name, minutes, question, act }) => {
    const ends = begins + minutes;
    const when = `${begins}–${ends}`;
    begins = ends;
    const title = word(`step.${name}`);
    const button = act ? `; \`${word(`act.${act.name}`)}\`` : "";
    const row = (first: string, step: string, wording: string): string => {
      const asked =
        question === null
          ? "the run's texts | their labels"
          : `${word(`step.${wording}.question`)} | ${
              question.answer === "run"
                ? "what the run comes to"
                : word(`step.${wording}.option.${question.answer}`)
            }`;
      return `| ${first} | ${step} | ${word(`step.${wording}.caption`)} | ${asked} |`;
    };
    const usual = row(when, `${title}${button}`, name);
    // Where two arms take turns the chart shows something else.
    return name === "by-heart" ? [usual, row("", `${title}, two arms`, "by-heart-compared")] : usual;
  });
  return [
    `### ${word(`script.${id}`)}`,
    "",
    "| minutes | step; button | what the screens say | question | right answer |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** `-u` writes the tables anew. */
it("tells each lesson as the pages do", async () => {
  const path = join(ROOT, "docs/lesson.md");
  const page = await readFile(path, "utf8");
  const tables = `${LESSONS.map(tableOf).join("\n")}\n`;
  const told = page.replace(/(?<=^## Scripts\n\n)[\s\S]*?(?=^## )/m, () => tables);
  expect(told).toContain(tables);
  await expect(told).toMatchFileSnapshot(path);
});
