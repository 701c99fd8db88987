/**
 * The container: built, started and asked whether it is ready where there is an engine; else Dockerfile and compose files
 * are read for faults. `npm run container`.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { promisify } from "node:util";
import { validate } from "dockerfile-utils";
import { parse } from "yaml";
import { ROOT } from "./packages.ts";

const run = promisify(execFile);
const IMAGE = "fedlodrop:check";
const READY_SECONDS = 120;
const COMPOSE_FILES = ["compose.yaml", "compose.cluster.yaml"];

const engine = await found(["docker", "podman"]);
await lint();
if (engine === null)
  console.log("Dockerfile and compose files: no fault; no docker or podman here to build with");
else await buildAndStart(engine);

/** The first that answers: a client without its daemon does not. */
async function found(names: readonly string[]): Promise<string | null> {
  for (const name of names)
    if (
      await run(name, ["info"]).then(
        () => true,
        () => false,
      )
    )
      return name;
  return null;
}

/** @throws every fault, a line each */
async function lint(): Promise<void> {
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  const faults = validate(dockerfile).map(
    ({ range, message }) => `Dockerfile, line ${range.start.line + 1}: ${message}`,
  );
  if (!/^USER (?!root)/m.test(dockerfile))
    faults.push("Dockerfile: expected a USER other than root, got none");
  for (const file of COMPOSE_FILES) {
    const compose = parse(await readFile(join(ROOT, file), "utf8"), { merge: true }) as {
      readonly services?: Readonly<Record<string, { readonly build?: unknown; readonly image?: unknown }>>;
    } | null;
    const services = Object.entries(compose?.services ?? {});
    if (services.length === 0) faults.push(`${file}: expected services, got none`);
    for (const [name, { build, image }] of services)
      if (build === undefined && image === undefined)
        faults.push(`${file}: expected build or image of ${name}, got neither`);
  }
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

async function buildAndStart(name: string): Promise<void> {
  console.log(`building with ${name} …`);
  await run(name, ["build", "-t", IMAGE, ROOT], { maxBuffer: 2 ** 26 });
  const { stdout } = await run(name, ["run", "-d", "--rm", "--read-only", "--tmpfs", "/tmp", "-P", IMAGE]);
  const container = stdout.trim();
  try {
    const { stdout: ports } = await run(name, ["port", container, "7860"]);
    const port = /:(\d+)\s*$/m.exec(ports)?.[1];
    await expectReady(`http://127.0.0.1:${port}/readyz`);
    console.log("the container is ready");
  } finally {
    await run(name, ["stop", container]);
  }
}

async function expectReady(url: string): Promise<void> {
  const until = performance.now() + READY_SECONDS * 1000;
  while (performance.now() < until) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await passed(500);
  }
  throw new Error(`${url}: expected it to be ready within ${READY_SECONDS} s, got no such answer`);
}
