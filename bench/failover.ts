/**
 * Two real `fedlodrop serve --standby` on one PostgreSQL behind one address, and what may happen to them: the coordinator
 * is killed, it is frozen until another has taken over and wakes up again, the server of the database is killed and
 * started. Compares the adapter with that of a run in a folder that nobody interrupted, and counts receipts.
 *
 *   npx tsx bench/failover.ts --faults 20 --rounds 60 --participants 4 --seed 1 [--minutes 4]
 *
 * Needs the distribution's package `postgresql`; everything stays on loopback.
 */
import { freePort, LOOPBACK } from "../apps/coordinator/src/daemon.fixture.ts";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import { openBalancer } from "./balancer.ts";
import { holdToWhole, type Interruptible, interruptAtRandom, readSettings, spread } from "./interruptions.ts";
import { secondsUntilBack } from "./kept-run.ts";
import { end, hasEnded, type Launched, launch, pause, type Served, until } from "./served.ts";

const settings = readSettings();
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");

await holdToWhole(settings, async (run, undo) => {
  const postgres = await openPostgres(binaries);
  undo.push(postgres.close);
  const database = await postgres.database();
  const ports = [await freePort(), await freePort()] as [number, number];
  const start = (port: number): Launched & { readonly port: number } => {
    const launched = launch(port, ["--postgres", database, "--run", "bench", "--standby", ...run]);
    undo.push(() => end(launched, "SIGKILL"));
    return { ...launched, port };
  };
  let owner = start(ports[0]);
  const { hostKey }: Served = await owner.listening();
  let other = start(ports[1]);
  const balancer = await openBalancer(ports.map((port) => ({ host: LOOPBACK.host, port })));
  undo.push(balancer.close);
  const broken: string[] = [];
  const takenOver: number[] = [];

  /** Whoever stood by has the run now, and somebody new stands by. */
  function replaced(): void {
    const { port } = owner;
    owner = other;
    other = start(port);
  }
  const ways: Interruptible["ways"] = {
    kill: {
      weight: 3,
      async happen() {
        await end(owner, "SIGKILL");
        takenOver.push(await secondsUntilBack(balancer.url));
        replaced();
      },
    },
    /** It wakes up when it has been replaced, and must not say a word. */
    freeze: {
      weight: 1,
      async happen() {
        const { process: frozen } = owner;
        frozen.kill("SIGSTOP");
        await other.listening();
        frozen.kill("SIGCONT");
        await until("the end of one that was replaced", () => hasEnded({ process: frozen }), 10).catch(
          ({ message }: Error) => broken.push(message),
        );
        frozen.kill("SIGKILL");
        replaced();
      },
    },
    database: {
      weight: 1,
      async happen() {
        await postgres.stop("SIGKILL");
        await pause(2);
        await postgres.start();
        await secondsUntilBack(balancer.url);
      },
    },
  };
  async function settled(): Promise<void> {
    // On a machine that is busy enough the stand-by may have been the first to come back.
    if (hasEnded(owner)) replaced();
    await until(`a stand-by: ${other.output()}`, () => {
      if (hasEnded(other)) throw new Error(`the stand-by ended: ${other.output()}`);
      return other.output().includes("standing by") || hasEnded(owner);
    });
    if (hasEnded(owner)) await settled();
  }

  try {
    const found = await interruptAtRandom({ url: balancer.url, hostKey, database, ways, settled }, settings);
    if (takenOver.length > 0)
      process.stdout.write(`after a kill the address answered again in ${spread(takenOver)}\n`);
    return { ...found, broken: [...broken, ...found.broken] };
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\n--- owner:\n${owner.output()}\n--- stand-by:\n${other.output()}`,
    );
  }
});
