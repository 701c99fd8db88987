/** HTTP: pages, model files, a device's own texts, the adapter, the report, health. Nothing here changes a run; what
 *  is not for everybody needs the host key or a participant's token. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import fastifyStatic from "@fastify/static";
import type { RunDescription } from "@fedlodrop/protocol";
import { type DeviceTexts, isModelFile } from "@fedlodrop/run";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Credentials } from "../security/credentials.ts";
import { registerSubAdapters, type SubAdapterDesk } from "./sub-adapters.ts";

export interface Facts {
  readonly credentials: Credentials;
  describe(): RunDescription;
  textsOf(participantId: string): DeviceTexts;
  adapter(): Float32Array;
  adapterFile(): Promise<Uint8Array>;
  roundsDone(): number;
  /** `report.json`, a round at a time. */
  reportText(): AsyncIterable<string>;
  health(): object;
  modelDirectory(): string;
  readonly pagesDirectory: string | null;
  readonly basePath: string;
  readonly subAdapters: SubAdapterDesk;
}

const ROUND_HEADER = "x-fedlodrop-round";

export async function registerRoutes(http: FastifyInstance, facts: Facts): Promise<void> {
  const { pagesDirectory, basePath, credentials } = facts;
  await http.register(fastifyStatic, {
    ...(pagesDirectory === null
      ? { serve: false, root: "/" }
      : { root: pagesDirectory, index: ["index.html"] }),
    cacheControl: false, // setHeaders decides
    setHeaders(response, path) {
      // Vite names assets by their content; everything else is asked for again and answered by its ETag.
      const immutable = /[/\\]assets[/\\][^/\\]+-[\w-]{8,}\.\w+$/.test(path);
      response.setHeader("cache-control", immutable ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  const noSuchThing = (reply: FastifyReply, what: string) => reply.code(404).send({ error: what });

  http.get("/healthz", () => facts.health());
  // The run's seed gives everybody's masks away, its report names devices, and two adapters in a row are an update.
  const forMembers = { preHandler: credentials.required };
  http.get("/api/run", forMembers, () => facts.describe());
  http.get("/api/report", forMembers, (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(Readable.from(facts.reportText())),
  );

  registerSubAdapters(http, credentials, facts.subAdapters);
  http.get("/api/split", forMembers, (request, reply) => {
    const holder = credentials.holderOf(request) as string;
    if (holder === "host")
      return reply.code(403).send({ error: "texts are for the participants they belong to" });
    return reply.header("cache-control", "no-store").send(facts.textsOf(holder));
  });

  const sendBytes = (reply: FastifyReply, bytes: Uint8Array) =>
    reply
      .header(ROUND_HEADER, facts.roundsDone())
      .header("cache-control", "no-store")
      .type("application/octet-stream")
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  http.get("/api/adapter", forMembers, (_request, reply) => {
    const adapter = facts.adapter();
    return sendBytes(reply, new Uint8Array(adapter.buffer, adapter.byteOffset, adapter.byteLength));
  });
  http.get("/api/adapter.safetensors", forMembers, async (_request, reply) =>
    sendBytes(
      reply.header("content-disposition", 'attachment; filename="adapter.safetensors"'),
      await facts.adapterFile(),
    ),
  );

  // The run has one model; a path before the file's name only tells caches one model from another.
  http.get("/models/*", (request, reply) => {
    const name = basename((request.params as { "*": string })["*"]);
    const directory = facts.modelDirectory();
    if (!isModelFile(name) || !existsSync(join(directory, name)))
      return noSuchThing(reply, `the model has no file ${name}`);
    return reply.sendFile(name, directory);
  });

  if (pagesDirectory !== null) http.get("/host", (_request, reply) => reply.sendFile("host.html"));
  // A page's relative addresses need the slash.
  if (basePath !== "/") http.get(basePath.slice(0, -1), (_request, reply) => reply.redirect(basePath, 308));
  http.setNotFoundHandler((request, reply) =>
    noSuchThing(reply, `nothing is at ${request.url.split("?")[0]}`),
  );
}
