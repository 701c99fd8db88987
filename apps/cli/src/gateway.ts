/** A gateway that listens: it takes part in a run that another process owns. */
import type { AddressInfo } from "node:net";
import { buildGateway, keepUpload, openDatabase, openMail } from "@fedlodrop/coordinator";
import { expectFree, type FederationOptions } from "./federation.ts";
import type { DatabaseOptions } from "./kept-run.ts";
import { inUrl, localName, reachableAddress } from "./listen-address.ts";
import { buildPages } from "./pages.ts";
import { loadRunFiles } from "./workload.ts";

export interface GatewayProgramOptions
  extends Pick<FederationOptions, "basePath" | "origins" | "port" | "publicUrl" | "tls" | "trustProxy"> {
  readonly host: string;
  readonly database: DatabaseOptions;
  readonly redis: string;
  readonly say: (line: string) => void;
}

export interface GatewayProgram {
  /** On this machine, and for others. */
  readonly url: string;
  readonly joinUrl: string;
  /** Takes no new devices; resolves when the open round is over, or after that many seconds. */
  drain(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Resolves when it listens, which it does as soon as the run has an owner. @throws in one line */
export async function startGateway(options: GatewayProgramOptions): Promise<GatewayProgram> {
  const { port, host, basePath = "/", origins, tls, trustProxy = false, publicUrl, say } = options;
  await expectFree(port, host);
  const pagesDirectory = await buildPages(say);
  const database = await openDatabase(options.database.address);
  let isClosed = false;
  const mail = await openMail(options.redis, options.database.run).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const gateway = await buildGateway({
    mail,
    loadFiles: (config) => loadRunFiles(config, say),
    // Nothing that was not kept is told of, however long that takes.
    keep: (storeId, upload) => keepUpload(database, storeId, upload, () => !isClosed),
    pagesDirectory,
    basePath,
    trustProxy,
    ...(origins && { origins }),
    ...(tls && { tls }),
    log: say,
  });
  await gateway.http.listen({ port, host });
  const { port: taken } = gateway.http.server.address() as AddressInfo;
  const urlAt = (name: string): string =>
    `${tls === undefined ? "http" : "https"}://${inUrl(name)}:${taken}${basePath}`;
  return {
    url: urlAt(localName(host)),
    joinUrl: publicUrl ?? urlAt(reachableAddress(host)),
    drain: gateway.drain,
    async close() {
      isClosed = true;
      await gateway.close();
      await database.close();
    },
  };
}
