/** A coordinator that listens: what `serve` and `federate` have in common, and what tests start in their own process. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants, existsSync } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { dirname, resolve } from "node:path";
import {
  type AccessRecord,
  buildCoordinator,
  type Coordinator,
  createRunFolder,
  type OriginRule,
  openMail,
  type Workload,
} from "@fedlodrop/coordinator";
import type { RunConfig, RunReport } from "@fedlodrop/run";
import { findModel, pinModel } from "./find-model.ts";
import type { HubOptions } from "./hub/hub.ts";
import { type DatabaseOptions, openKeptRun, tooLongAway } from "./kept-run.ts";
import { inUrl, localName, reachableAddress } from "./listen-address.ts";
import { buildPages } from "./pages.ts";
import { whileWaiting } from "./patience.ts";
import { openPlanner } from "./planner.ts";
import { termsOfAdapter } from "./start-adapter.ts";
import { openTraces } from "./traces.ts";
import { availableTasks, loadWorkload, rateAtStart, taskDefaults } from "./workload.ts";

export interface FederationOptions {
  /** Ignored when a stored run is continued. */
  readonly config: RunConfig;
  /** 0 takes a free one. */
  readonly port: number;
  /** Address to listen on; 127.0.0.1 keeps the run on this machine. */
  readonly host?: string;
  /** Where a proxy shows it, `/` or `/…/`: in the printed addresses, and taken off the paths that come in. */
  readonly basePath?: string;
  /** Which pages may connect besides the coordinator's own. */
  readonly origins?: OriginRule;
  /** Who may join; what is not said here is as the stored run had it. */
  readonly access?: Partial<AccessRecord>;
  /** Believe `x-forwarded-for`. */
  readonly trustProxy?: boolean;
  /** Speak https with these, in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  /** Under which a proxy or a tunnel shows the coordinator: what devices are told to open. */
  readonly publicUrl?: string;
  /** Folder for config.json, metrics.jsonl, report.json and the adapter; absent keeps nothing. */
  readonly out?: string;
  /** Keeps the run in PostgreSQL instead. */
  readonly database?: DatabaseOptions;
  /** Takes gateways over this Redis; only with `database`. */
  readonly redis?: string;
  /** Continue the run that `out` or `database` holds; `from previous` gives up what is behind damage in its folder. */
  readonly resume?: boolean | "from previous";
  /** So many participants will begin the run, if it is known: what can be computed ahead for them is. */
  readonly expects?: number;
  /** Let γ follow from how many devices begin, as long as no host sets it. */
  readonly suitsRate?: boolean;
  /** False serves no pages, and so builds none: for devices without a browser. */
  readonly pages?: boolean;
  /** Where a model that is not here yet is fetched from. */
  readonly hub?: HubOptions;
  /** Given a line about whatever takes time or goes wrong. */
  readonly say?: (line: string) => void;
}

export interface Federation {
  /** On this machine; browsers allow WebGPU only on localhost or https. */
  readonly url: string;
  /** For other devices: this machine's address in its network, where it listens to one. */
  readonly joinUrl: string;
  readonly hostUrl: string;
  readonly hostKey: string;
  readonly coordinator: Coordinator;
  report(): Promise<RunReport>;
  /** Resolves with a sentence when another coordinator has taken the run over: whatever this one still says is wrong. */
  readonly ousted: Promise<string>;
  /** Stores the results and lets go of port and threads. */
  close(): Promise<void>;
}

export async function startFederation(options: FederationOptions): Promise<Federation> {
  const {
    config: asked,
    port,
    host = "127.0.0.1",
    basePath = "/",
    origins,
    access,
    trustProxy,
    tls,
    publicUrl,
    out,
    database: keptIn,
    redis,
    resume = false,
    expects,
    suitsRate = false,
    pages = true,
    hub = {},
    say = () => {},
  } = options;
  let address: AddressInfo | null = null;
  const scheme = tls === undefined ? "http" : "https";
  const urlAt = (name: string): string => `${scheme}://${inUrl(name)}:${address?.port ?? port}${basePath}`;
  const joinUrl = (): string => publicUrl ?? urlAt(reachableAddress(host));

  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const close of closers.splice(0).reverse())
      await close().catch((error: unknown) => {
        failures.push(error);
      });
    if (failures.length > 0) throw failures[0];
  };
  /** What will be asked for first, loaded beside the pages, which may have to be built. */
  let ahead = null as { readonly config: string; readonly workload: Promise<Workload> } | null;
  const loadAhead = (config: RunConfig): void => {
    const workload = loadWorkload(config, say);
    const heard = workload.catch(() => null); // Its fault is told where it is waited for.
    closers.push(async () => (await heard)?.close());
    ahead = { config: JSON.stringify(config), workload };
  };
  try {
    await expectFree(port, host);
    if (out !== undefined && !resume) await expectWritable(out);
    const mail = redis !== undefined && keptIn ? await openMail(redis, keptIn.run) : null;
    if (mail) closers.push(mail.close);
    const database = keptIn && (await openKeptRun(keptIn, mail));
    const store = database ?? (out === undefined ? undefined : createRunFolder(out));
    if (store) closers.push(() => store.close());
    if (keptIn?.standBy && database) {
      loadAhead((await database.config()) ?? (await settled(asked, say, hub)));
      if (pages) await buildPages(say);
      // Before the lease, which is lost by who is too busy with loading to say that it is there. What is missing now may
      // be there when it is needed.
      await ahead?.workload.catch(() => {
        ahead = null;
      });
      await database.standBy((reason) => say(`${reason}; standing by …`));
    }
    const isThere = resume !== false || (keptIn?.standBy && (await database?.config()) != null);
    const stored = isThere ? await store?.load({ fromPrevious: resume === "from previous" }) : undefined;
    for (const notice of stored?.notices ?? [])
      say(
        `${out === undefined ? "the stored run" : `run folder ${out}`}: ${notice}; the run goes on all the same`,
      );
    const hostKey = chosenHostKey() ?? stored?.checkpoint.hostKey ?? randomBytes(12).toString("base64url");
    const config = stored?.checkpoint.snapshot.config ?? (await settled(asked, say, hub));
    if (ahead?.config !== JSON.stringify(config)) {
      void ahead?.workload.then(({ close }) => close()).catch(() => {});
      loadAhead(config);
    }
    const pagesDirectory = pages ? await buildPages(say) : undefined;
    const traces = await openTraces();
    if (traces) closers.push(() => traces.close());
    const planner = openPlanner();
    closers.push(planner.close);
    say("loading the model and the task …");
    const owner = mail &&
      database && {
        mail,
        // Asked for when it listens: only then it has the lease for certain.
        fence: () => database.fence,
        storeId: () => database.id,
        upload: database.upload,
        url: () => urlAt(reachableAddress(host)),
      };
    const coordinator = await whileWaiting(say, "the model and the task are being loaded", () =>
      buildCoordinator({
        config,
        async loadWorkload(wanted) {
          planner.prepare(wanted.method);
          const first = ahead?.config === JSON.stringify(wanted) ? ahead.workload : null;
          ahead = null;
          if (first !== null) return first;
          const workload = await loadWorkload(wanted, say);
          closers.push(workload.close);
          return workload;
        },
        taskDefaults,
        availableTasks,
        plan: planner.plan,
        hostKey,
        joinUrl,
        ...(pagesDirectory !== undefined && { pagesDirectory }),
        basePath,
        ...(origins && { origins }),
        // What the host has said since counts where this process takes over from another.
        ...(access && (stored === undefined || resume !== false) && { access }),
        ...(trustProxy && { trustProxy }),
        ...(expects !== undefined && { expects }),
        // A stored run goes on with its own settings.
        ...(suitsRate && stored === undefined && { rateAtStart }),
        ...(tls && { tls }),
        log: say,
        ...(traces && { roundClosed: traces.roundClosed }),
        ...(store && { store }),
        ...(owner && { owner }),
        ...(database && { cluster: database }),
        ...(stored && { stored }),
      }),
    );
    closers.push(() => coordinator.close());
    await coordinator.http.listen({ port, host });
    address = coordinator.http.server.address() as AddressInfo;
    return {
      url: urlAt(localName(host)),
      joinUrl: joinUrl(),
      hostUrl: `${urlAt(localName(host))}host#key=${hostKey}`,
      hostKey,
      coordinator,
      report: () => coordinator.wholeReport(),
      ousted: database?.ousted ?? new Promise(() => {}),
      close: () => {
        const closed = closeAll();
        return database ? Promise.race([closed, tooLongAway(database, closed)]) : closed;
      },
    };
  } catch (error) {
    await closeAll().catch(() => {}); // what went wrong first is told
    throw error;
  }
}

/** The settings with nothing left open: the hub's model as it is now, and what the first adapter decides. */
async function settled(config: RunConfig, say: (line: string) => void, hub: HubOptions): Promise<RunConfig> {
  const model = await pinModel(config.model, say, hub);
  const { startFrom } = config;
  const terms = startFrom === null ? {} : await termsOfAdapter(startFrom, await findModel(model, say, hub));
  return { ...config, ...terms, model };
}

/** An operator's, so that it is known before the coordinator starts; undefined makes one up. */
function chosenHostKey(): string | undefined {
  const key = process.env.FEDLODROP_HOST_KEY;
  if (key === undefined || key === "") return undefined;
  if (!/^[\w-]{16,}$/.test(key))
    throw new Error("FEDLODROP_HOST_KEY: expected 16 or more letters, digits, - or _, got something else");
  return key;
}

/** Throws in one line when the port cannot be had, before anything that takes time. */
export async function expectFree(port: number, host: string): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(
      code === "EADDRINUSE"
        ? `port ${port} is in use; choose another with --port, or 0 for a free one`
        : `port ${port} of ${host} cannot be opened (${code})`,
      { cause },
    );
  }
  probe.close();
  await once(probe, "close");
}

/** Makes the folder. Throws in one line when nothing can be kept there: a run whose results are lost is no run. */
async function expectWritable(directory: string): Promise<void> {
  try {
    // What is there of it first: `mkdir` says ENOENT of a file system that is read-only.
    await access(nearestFolder(directory), constants.W_OK);
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
  } catch (cause) {
    throw new Error(
      `run folder ${directory}: cannot be written (${(cause as NodeJS.ErrnoException).code}); choose another with --out`,
      { cause },
    );
  }
}

/** The folder itself, or the closest one above it that there is. */
const nearestFolder = (directory: string): string =>
  existsSync(directory) || dirname(directory) === directory
    ? directory
    : nearestFolder(dirname(resolve(directory)));
