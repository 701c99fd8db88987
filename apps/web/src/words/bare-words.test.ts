/** No page holds a text of its own: every sentence comes from the catalogue, so that it exists in every language. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { expect, it } from "vitest";

const source = join(import.meta.dirname, "..");

/** The project's name, units and signs that are the same in every language. */
const SAME_EVERYWHERE = /^(FedLoDrop|--min-contributors 2|px system-ui, sans-serif)$/;
/** Attributes that people read or hear. */
const READ =
  /^(aria-(label|valuetext|description)|title|alt|placeholder|label|question|heading|name|sentence|term|description|xTitle)$/;
const isWords = (text: string): boolean => /\p{L}{2}/u.test(text) && !SAME_EVERYWHERE.test(text.trim());
/** Words with a space between: a sentence rather than a name. */
const isSentence = (text: string): boolean =>
  !SAME_EVERYWHERE.test(text) && /\p{L}{2,} \p{L}{2,}|^ \p{L}{2,}|\p{L}{2,} $/u.test(text);

interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

/** What is thrown is for whoever mends it; selectors, styles and what is imported are for the browser. */
const isForMachines = ({ type, callee, name }: Node): boolean => {
  const called = callee as { type?: string; name?: string; property?: { name?: string } } | undefined;
  const function_ = called?.type === "Super" ? "super" : (called?.name ?? called?.property?.name ?? "");
  return (
    (type === "NewExpression" && function_.endsWith("Error")) ||
    (type === "CallExpression" && /^(fetch|matchMedia|querySelector|super)$/.test(function_)) ||
    (type === "JSXAttribute" && !READ.test(String((name as Node).name))) ||
    type === "ImportDeclaration"
  );
};

function bareWords(fileName: string, text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: Node, readAttribute: boolean): void => {
    if (isForMachines(node)) return;
    const words =
      node.type === "JSXText" || node.type === "Literal"
        ? node.value
        : node.type === "TemplateElement"
          ? (node.value as { cooked: string }).cooked
          : null;
    const isRead = node.type === "JSXText" || readAttribute;
    if (typeof words === "string" && (isRead ? isWords(words) : isSentence(words))) found.push(words.trim());
    // A literal that an attribute holds itself is read; one within an expression may be a name.
    const holds = node.type === "JSXAttribute";
    for (const part of Object.values(node).flat())
      if (typeof part === "object" && part !== null && "type" in part)
        visit(part as Node, holds && part.type === "Literal");
  };
  visit(parseSync(fileName, text).program as unknown as Node, false);
  return found;
}

it("says nothing on any page that is not in the catalogue", () => {
  const found: Record<string, readonly string[]> = {};
  for (const folder of ["pages", "ui"])
    for (const name of readdirSync(join(source, folder), { recursive: true, encoding: "utf8" }))
      if (/\.tsx?$/.test(name) && !/\.(test|fixture)\./.test(name))
        found[name] = bareWords(name, readFileSync(join(source, folder, name), "utf8"));
  expect(Object.keys(found).length).toBeGreaterThan(50);
  expect(Object.entries(found).filter(([, words]) => words.length > 0)).toEqual([]);
});

it("marks English for whoever mends a problem in one place", () => {
  const marking = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".tsx") && readFileSync(join(source, name), "utf8").includes('lang="en"'),
  );
  expect(marking).toEqual([join("ui", "technical.tsx")]);
});

it.each([
  ["<p>Hello</p>", ["Hello"]],
  ['<p class="two words">{x}</p>', []],
  ['<img aria-label="Loss" />', ["Loss"]],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source text.
  ["const a = `round ${n} is over`;", ["round", "is over"]],
  ['const a = ok ? "two words" : "other";', ["two words"]],
  ['throw new Error("not for people");', []],
  ["<h1>FedLoDrop</h1>", []],
  ["<h1>FedLoDrop host</h1>", ["FedLoDrop host"]],
])("looks at %s", (text, found) => expect(bareWords("a.tsx", text)).toEqual(found));
