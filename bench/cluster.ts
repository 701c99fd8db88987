/**
 * A run over several real processes: gateways behind one address, an owner and one that stands by for it, PostgreSQL and
 * Redis; and what may happen to them at random: each is killed, frozen or emptied, and any two are cut off from one
 * another. Compares the adapter with that of a run in one process and a folder that nobody interrupted, and counts receipts.
 *
 *   npx tsx bench/cluster.ts --faults 20 --rounds 60 --gateways 2 --participants 4 --seed 1 [--minutes 4] [--fault NAME,…] [--cut 8]
 *
 * Needs the distribution's packages `postgresql` and `redis-server`; cuts need Linux and root, and are left out elsewhere.
 */
import { freePort, LOOPBACK, type Premises } from "../apps/coordinator/src/daemon.fixture.ts";
import { hasRedis, openRedis } from "../apps/coordinator/src/gateway/redis.fixture.ts";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import { openBalancer } from "./balancer.ts";
import { holdToWhole, type Interruptible, interruptAtRandom, readSettings, spread } from "./interruptions.ts";
import { secondsUntilBack } from "./kept-run.ts";
import { type Network, OUTSIDE, openNetwork } from "./network.ts";
import { end, hasEnded, type Launched, launch, pause, until } from "./served.ts";

const settings = readSettings();
const { random } = settings;
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");
if (!hasRedis()) throw new Error("no Redis here (apt-get install redis-server)");
process.env.FEDLODROP_HOST_KEY = "bench-of-a-cluster";
/** How long a replaced owner may take to end once it can know. */
const ENDS_SECONDS = 15;
/** In which somebody else has to have the run. */
const TAKEN_OVER_SECONDS = 5;

interface Place extends Premises {
  /** In the network. */
  readonly part: string;
  readonly port: number;
}
type Placed = Launched & { readonly place: Place };

const gatewayParts = Array.from({ length: settings.gateways }, (_, k) => `gateway-${k}`);

function openNetworkIfPossible(): Network | null {
  try {
    return openNetwork(["redis", "postgres", "owner-a", "owner-b", ...gatewayParts]);
  } catch (error) {
    process.stdout.write(`no cuts: ${(error as Error).message}\n`);
    return null;
  }
}

await holdToWhole(settings, async (run, undo) => {
  const network = openNetworkIfPossible();
  undo.push(() => network?.close());
  const premises = (part: string): Premises => network?.of(part) ?? LOOPBACK;
  const postgres = await openPostgres(binaries, premises("postgres"));
  undo.push(postgres.close);
  const redis = await openRedis(premises("redis"));
  undo.push(redis.close);
  const database = await postgres.database();
  const common = ["--postgres", database, "--redis", redis.address, "--run", "bench"];
  const placeOf = async (part: string): Promise<Place> => ({
    ...premises(part),
    part,
    port: await freePort(),
  });
  const start = (place: Place, ...more: string[]): Placed => {
    const launched = launch(place.port, [...common, ...more], place);
    undo.push(() => end(launched, "SIGKILL"));
    return { ...launched, place };
  };
  const gatewayAt = (place: Place): Placed => start(place, "--role", "gateway");
  const ownerAt = (place: Place): Placed => start(place, "--role", "owner", "--standby", ...run);
  const owners = [ownerAt(await placeOf("owner-a"))];
  await (owners[0] as Placed).listening();
  owners.push(ownerAt(await placeOf("owner-b")));
  const gateways = await Promise.all(gatewayParts.map(async (part) => gatewayAt(await placeOf(part))));
  const balancer = await openBalancer(
    gateways.map(({ place }) => place),
    true,
  );
  undo.push(balancer.close);
  const broken: string[] = [];
  /** By fault: seconds until another owner listened. */
  const secondsWithout = new Map<string, number[]>();

  /** It has the run's present owner. */
  async function isUp({ output, place: { host, port } }: Placed): Promise<void> {
    await until(`the run's owner at the gateway at ${port}`, async () => {
      if (hasEnded(owners[0] as Placed)) await replaceOwner();
      const owner = `:${(owners[0] as Placed).place.port}/`;
      await secondsUntilBack(`http://${host}:${port}`, "/readyz");
      return /.*the run's owner is (\S+)/s.exec(output())?.[1]?.endsWith(owner) ?? false;
    });
  }
  const allUp = async (): Promise<void> => {
    for (const gateway of gateways) await isUp(gateway);
  };
  const anyGateway = (): Placed => gateways[random.below(gateways.length)] as Placed;

  /** Whoever stood by has the run, and somebody new stands by for it. */
  async function replaceOwner(): Promise<void> {
    const [old] = owners.splice(0, 1) as [Placed];
    await (owners[0] as Placed).listening();
    owners.push(ownerAt(old.place));
  }

  /** @param from when it happened */
  async function anotherListens(fault: string, from: number): Promise<void> {
    await (owners[1] as Placed).listening();
    const seconds = (performance.now() - from) / 1000;
    secondsWithout.set(fault, [...(secondsWithout.get(fault) ?? []), seconds]);
    if (seconds > TAKEN_OVER_SECONDS)
      process.stdout.write(`   another owner after ${seconds.toFixed(1)} s\n`);
  }

  /** It must not say a word. */
  async function endsByItself(replaced: Placed): Promise<void> {
    await until("the end of an owner that was replaced", () => hasEnded(replaced), ENDS_SECONDS).catch(
      ({ message }: Error) => broken.push(message),
    );
    await end(replaced, "SIGKILL");
  }

  /** It may have been busy, or away, for longer than its lease. */
  async function ifReplaced(): Promise<void> {
    if (hasEnded(owners[0] as Placed)) await replaceOwner();
    await allUp();
  }

  async function cutForAWhile(one: string, other: string): Promise<void> {
    network?.cut(one, other);
    await pause(settings.cutSeconds ?? 1 + random.uniform() * 11);
    network?.mend(one, other);
    await ifReplaced();
  }

  async function cutOffOwnerFrom(other: string, fault: string): Promise<void> {
    const [old] = owners as [Placed];
    const from = performance.now();
    network?.cut(old.place.part, other);
    await anotherListens(fault, from);
    await pause(random.uniform() * 3);
    network?.mend(old.place.part, other);
    await endsByItself(old);
    await replaceOwner();
    await allUp();
  }

  const faults: Interruptible["ways"] = {
    gateway: {
      weight: 2,
      async happen() {
        const one = anyGateway();
        await end(one, "SIGKILL");
        gateways[gateways.indexOf(one)] = gatewayAt(one.place);
        await allUp();
      },
    },
    "frozen gateway": {
      weight: 1,
      async happen() {
        const { process: frozen } = anyGateway();
        frozen.kill("SIGSTOP");
        await pause(8);
        frozen.kill("SIGCONT");
        await ifReplaced();
      },
    },
    owner: {
      weight: 2,
      async happen() {
        const from = performance.now();
        await end(owners[0] as Placed, "SIGKILL");
        await anotherListens("owner", from);
        await replaceOwner();
        await allUp();
      },
    },
    "frozen owner": {
      weight: 1,
      async happen() {
        const [old] = owners as [Placed];
        const from = performance.now();
        old.process.kill("SIGSTOP");
        await anotherListens("frozen owner", from);
        old.process.kill("SIGCONT");
        await endsByItself(old);
        await replaceOwner();
        await allUp();
      },
    },
    redis: {
      weight: 1,
      async happen() {
        await redis.stop("SIGKILL");
        await pause(2);
        await redis.start();
        await ifReplaced();
      },
    },
    "empty redis": {
      weight: 1,
      async happen() {
        await redis.forget();
        await ifReplaced();
      },
    },
    database: {
      weight: 1,
      async happen() {
        await postgres.stop("SIGKILL");
        await pause(2);
        await postgres.start();
        await pause(1);
        await ifReplaced();
      },
    },
  };
  const cuts: Interruptible["ways"] = {
    "gateway | redis": { weight: 1, happen: () => cutForAWhile(anyGateway().place.part, "redis") },
    "gateway | database": { weight: 1, happen: () => cutForAWhile(anyGateway().place.part, "postgres") },
    "gateway | owner": {
      weight: 1,
      happen: () => cutForAWhile(anyGateway().place.part, (owners[0] as Placed).place.part),
    },
    "gateway | devices": { weight: 1, happen: () => cutForAWhile(anyGateway().place.part, OUTSIDE) },
    "owner | redis": { weight: 1, happen: () => cutOffOwnerFrom("redis", "owner | redis") },
    "owner | database": { weight: 1, happen: () => cutOffOwnerFrom("postgres", "owner | database") },
    "stand-by | redis": {
      weight: 1,
      happen: () => cutForAWhile((owners[1] as Placed).place.part, "redis"),
    },
    "stand-by | database": {
      weight: 1,
      happen: () => cutForAWhile((owners[1] as Placed).place.part, "postgres"),
    },
  };

  async function settled(): Promise<void> {
    await ifReplaced();
    const [owner, standBy] = owners as [Placed, Placed];
    await until(`a stand-by: ${standBy.output()}`, () => {
      if (hasEnded(standBy)) throw new Error(`the stand-by ended: ${standBy.output()}`);
      return standBy.output().includes("standing by") || hasEnded(owner);
    });
    // On a machine that is busy enough an owner loses its lease by itself.
    if (hasEnded(owner)) await settled();
  }

  try {
    await allUp();
    const hostKey = process.env.FEDLODROP_HOST_KEY as string;
    const ways = network === null ? faults : { ...faults, ...cuts };
    const found = await interruptAtRandom({ url: balancer.url, hostKey, database, ways, settled }, settings);
    for (const [fault, seconds] of secondsWithout)
      process.stdout.write(`${fault}: another owner listened after ${spread(seconds)}\n`);
    return { ...found, broken: [...broken, ...found.broken] };
  } catch (error) {
    const said = [...owners, ...gateways].map(({ place, output }) => `--- ${place.part}:\n${output()}`);
    throw new Error(`${(error as Error).message}\n${said.join("\n")}`);
  }
});
