/**
 * The manifest that a package is published with, from the one it has in the repository: entries point at built files,
 * packages of this repository are wanted in the very version they were built with.
 */

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: string | Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly publishConfig?: { readonly access?: string };
}

/**
 * Not installed with a package that imports them: tfjs, 300 MB, is what the pages fall back to, and they carry it built
 * in. A program that wants it outside of them installs it.
 */
const OPTIONAL = /^@tensorflow\//;

/** @throws one line when the package cannot be published as it is */
export function publishedManifest(
  manifest: Manifest,
  versions: ReadonlyMap<string, string>,
  engines: Readonly<Record<string, string>>,
): object {
  const { name, version, description, license, type, bin, exports, dependencies = {} } = manifest;
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    throw new Error(`${name}: expected a version such as 0.1.0, got ${version}`);
  if (description === undefined) throw new Error(`${name}: expected a description, got none`);
  const wanted = Object.entries(dependencies).map(([dependency, range]) => {
    if (range !== "*") return [dependency, range] as const;
    const exact = versions.get(dependency);
    if (exact === undefined)
      throw new Error(
        `${name}: depends on ${dependency}, which is not published; give it a range of versions`,
      );
    return [dependency, exact] as const;
  });
  const required = Object.fromEntries(wanted.filter(([dependency]) => !OPTIONAL.test(dependency)));
  const optional = Object.fromEntries(wanted.filter(([dependency]) => OPTIONAL.test(dependency)));
  const peers = { ...manifest.peerDependencies, ...optional };
  const peersMeta = {
    ...manifest.peerDependenciesMeta,
    ...Object.fromEntries(Object.keys(optional).map((dependency) => [dependency, { optional: true }])),
  };
  return {
    name,
    version,
    description,
    license,
    type,
    engines,
    keywords: ["federated-learning", "lora", "webgpu", "language-model"],
    sideEffects: false,
    ...(bin && { bin: Object.fromEntries(Object.keys(bin).map((command) => [command, "dist/main.js"])) }),
    ...(exports !== undefined && { exports: publishedExports(name, exports) }),
    dependencies: required,
    ...(Object.keys(peers).length > 0 && { peerDependencies: peers, peerDependenciesMeta: peersMeta }),
    publishConfig: manifest.publishConfig,
  };
}

/** `./src/x.ts` becomes the built module with its types; the manifest itself can be read too. */
function publishedExports(name: string, exports: NonNullable<Manifest["exports"]>): object {
  const entries = typeof exports === "string" ? { ".": exports } : exports;
  const built = Object.entries(entries).map(([path, source]) => {
    const stem = /^\.\/src\/(.+)\.ts$/.exec(source)?.[1];
    if (stem === undefined) throw new Error(`${name}: expected exports of ./src/….ts, got ${source}`);
    return [path, { types: `./dist/${stem}.d.ts`, default: `./dist/${stem}.js` }] as const;
  });
  return { ...Object.fromEntries(built), "./package.json": "./package.json" };
}
