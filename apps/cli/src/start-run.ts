/** `startRun`: a coordinator in this process with its host at hand, for tests and programs of other projects. */
import { isAnnouncedOver } from "@fedlodrop/federation";
import { connectHost, type HostConnection } from "@fedlodrop/harness";
import {
  DEFAULT_RUN_CONFIG,
  faultInWords,
  type RunOverrides,
  type RunReport,
  resolveRunConfig,
  runOverridesSchema,
} from "@fedlodrop/run";
import { type FederationOptions, startFederation } from "./federation.ts";
import { taskDefaults } from "./workload.ts";

/** An evaluation is given up after a minute at the earliest. */
const LAST_LOSS_SECONDS = 120;

/** Settings of the run, over those that suit its task, and where the coordinator listens. */
export interface StartRunOptions
  extends RunOverrides,
    Omit<FederationOptions, "config" | "port" | "resume" | "tls" | "publicUrl"> {
  /** A free one by default. */
  readonly port?: number;
}

export interface StartedRun {
  /** For participants on this machine; where browsers allow WebGPU. */
  readonly url: string;
  /** For participants elsewhere, where `host` listens to them. */
  readonly joinUrl: string;
  /** The host page, key included. */
  readonly hostUrl: string;
  readonly hostKey: string;
  readonly host: HostConnection;
  /** The run so far. */
  report(): Promise<RunReport>;
  /** The adapter so far, as a safetensors file. */
  adapterFile(): Promise<Uint8Array>;
  /** Ends the coordinator when its results are stored, the last losses of a run that is over among them; gives the run's report. Calling it again gives the same. */
  stop(): Promise<RunReport>;
}

/**
 * Opens a run that devices can join at once; `host.command({ kind: "start" })` starts its first round. Everything has a
 * default: a run of the bundled model on the bundled task, on a free port of this machine alone, kept nowhere.
 * @throws one line that names the setting that is wrong, or why the coordinator cannot start
 */
export async function startRun(options: StartRunOptions = {}): Promise<StartedRun> {
  const {
    port = 0,
    host: listenTo,
    basePath,
    origins,
    access,
    trustProxy,
    out,
    pages,
    hub,
    say,
    ...overrides
  } = options;
  const parsed = runOverridesSchema.strict().safeParse(overrides);
  if (!parsed.success) throw new Error(`startRun: ${faultInWords(parsed.error, "settings")}`);
  const config = resolveRunConfig(
    parsed.data,
    resolveRunConfig(await taskDefaults(parsed.data.task ?? DEFAULT_RUN_CONFIG.task)),
  );
  const federation = await startFederation({
    config,
    port,
    ...(listenTo !== undefined && { host: listenTo }),
    ...(basePath !== undefined && { basePath }),
    ...(origins !== undefined && { origins }),
    ...(access !== undefined && { access }),
    ...(trustProxy !== undefined && { trustProxy }),
    ...(out !== undefined && { out }),
    ...(pages !== undefined && { pages }),
    ...(hub !== undefined && { hub }),
    ...(say !== undefined && { say }),
  });
  const { url, joinUrl, hostUrl, hostKey } = federation;
  const host = await connectHost(url, hostKey).catch(async (error: unknown) => {
    await federation.close();
    throw error;
  });
  let stopping: Promise<RunReport> | undefined;
  return {
    url,
    joinUrl,
    hostUrl,
    hostKey,
    host,
    report: federation.report,
    async adapterFile() {
      const response = await fetch(new URL("api/adapter.safetensors", url), {
        headers: { authorization: `Bearer ${hostKey}` },
      });
      if (!response.ok) throw new Error(`adapter: expected the file, got HTTP ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };

  async function stop(): Promise<RunReport> {
    // Devices hear of a run's end before its last losses are known.
    if (isAnnouncedOver(federation.coordinator.state)) await host.ended(LAST_LOSS_SECONDS).catch(() => {});
    host.close();
    await federation.close();
    return federation.report();
  }
}
