/** The compiler writes `.js` where modules import each other's `.ts`; what it leaves is told here. */

/** @param text a built module or its types @throws when a TypeScript file is still named, which nobody will find */
export function builtText(text: string): string {
  const built = text
    // Types import types.
    .replaceAll(/(from |import\()"(\.{1,2}\/[^"]+)\.ts"/g, '$1"$2.js"')
    // Threads and workers start from a module beside theirs.
    .replaceAll(/new URL\("(\.{1,2}\/[^"]+)\.ts", import\.meta\.url\)/g, 'new URL("$1.js", import.meta.url)');
  const left = /(?:from |import\(|new URL\()"\.[^"]+(?<!\.d)\.ts"/.exec(built)?.[0];
  if (left !== undefined) throw new Error(`built module: expected no TypeScript file, got ${left}`);
  return built;
}
