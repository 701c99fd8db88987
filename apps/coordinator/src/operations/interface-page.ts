/** The OpenAPI document as a page to read, which needs no script: every path, who may ask for it, what it answers. */

interface Operation {
  readonly summary: string;
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

/** What `openApiDocument` makes, as far as the page shows it. */
export interface Interface {
  readonly info: { readonly title: string };
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
}

/** @param basePath `/` or `/…/` */
export const interfacePage = ({ info, paths }: Interface, basePath: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${escaped(info.title)}</title>
<h1>${escaped(info.title)}</h1>
<p>For programs: <a href="${basePath}api/openapi.json">api/openapi.json</a> (OpenAPI 3.1).</p>
${Object.entries(paths)
  .map(([path, { get }]) => section(path, get))
  .join("\n")}
</html>
`;

const section = (path: string, { summary, security, responses }: Operation): string => `
<h2><code>GET ${escaped(path)}</code></h2>
<p>${escaped(summary)}. ${security ? "For the host key, or a participant's token, as a bearer token." : "For everybody."}</p>
<ul>
${Object.entries(responses).map(answer).join("\n")}
</ul>`;

const answer = ([status, { description, content = {} }]: readonly [string, Answer]): string =>
  `<li>${status}: ${escaped(description)}${Object.entries(content).map(body).join("")}</li>`;

const body = ([type, { schema }]: readonly [string, { readonly schema: object }]): string =>
  `<details><summary>${escaped(type)}</summary><pre>${escaped(JSON.stringify(schema, null, 2))}</pre></details>`;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export const escaped = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (letter) => ENTITIES[letter] as string);
