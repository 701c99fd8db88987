/** The packages of this repository that are published: those whose manifest says so. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Manifest } from "./manifest.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface PublicPackage {
  /** In the repository. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** In the order in which they can be published: each after what it depends on. @throws when they differ in version */
export async function publicPackages(): Promise<readonly PublicPackage[]> {
  const found = new Map<string, PublicPackage>();
  for (const room of ["packages", "apps"])
    for (const name of await readdir(join(ROOT, room))) {
      const directory = join(ROOT, room, name);
      const manifest = await readManifest(directory);
      if (manifest.publishConfig?.access === "public") found.set(manifest.name, { directory, manifest });
    }
  const versions = new Set([...found.values()].map(({ manifest }) => manifest.version));
  if (versions.size !== 1)
    throw new Error(`packages: expected one version of all, got ${[...versions].join(", ")}`);
  const ordered = new Set<PublicPackage>();
  const add = (one: PublicPackage): void => {
    if (ordered.has(one)) return;
    for (const dependency of Object.keys(one.manifest.dependencies ?? {})) {
      const other = found.get(dependency);
      if (other) add(other);
    }
    ordered.add(one);
  };
  for (const one of found.values()) add(one);
  return [...ordered];
}

export async function readManifest(
  directory: string,
): Promise<Manifest & { engines?: Record<string, string> }> {
  return JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
}
