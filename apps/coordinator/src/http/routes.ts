/** HTTP: pages, model files, a device's own texts, the adapter, the report, health. Nothing here changes a run; what
 *  is not for everybody needs the host key or a participant's token. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { constants } from "node:zlib";
import fastifyCompress from "@fastify/compress";
import fastifyStatic from "@fastify/static";
import type { RunDescription } from "@fedlodrop/protocol";
import { type DeviceTexts, isModelFile, MODEL_MANIFEST, type ModelManifest } from "@fedlodrop/run";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { interfacePage } from "../operations/interface-page.ts";
import type { Metrics } from "../operations/metrics.ts";
import { openApiDocument } from "../operations/openapi.ts";
import type { Credentials } from "../security/credentials.ts";
import { registerSubAdapters, type SubAdapterDesk } from "./sub-adapters.ts";

export interface Facts {
  readonly credentials: Credentials;
  describe(): RunDescription;
  textsOf(participantId: string): DeviceTexts;
  adapter(): Float32Array;
  adapterFile(): Promise<Uint8Array>;
  peftFile(): Promise<Uint8Array>;
  roundsDone(): number;
  /** `report.json`, a round at a time. */
  reportText(): AsyncIterable<string>;
  health(): object;
  /** Why no device should be sent here; null when they may come. */
  notReady(): string | null;
  readonly metrics: Pick<Metrics, "contentType" | "text">;
  modelDirectory(): string;
  modelManifest(): ModelManifest;
  readonly pagesDirectory: string | null;
  readonly basePath: string;
  readonly subAdapters: SubAdapterDesk;
}

/** Whoever waits for it should not wait for the last per cent. */
const QUICKLY = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
/** Not octet-stream, which the library would shrink too: it costs time, gains nothing, and hides how long an answer is. */
const SHRINKING = /^text\/(?!event-stream)|[/+]json(?:;|$)/;
const FOR_EVER = "public, max-age=31536000, immutable";
const lostPage = (basePath: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>FedLoDrop</title>
<meta name="color-scheme" content="light dark">
<h1>Nothing is at this address</h1>
<p>See whether it was typed as the host shows it, or <a href="${basePath}">join the run here</a>.</p></html>
`;
const ROUND_HEADER = "x-fedlodrop-round";

export async function registerRoutes(http: FastifyInstance, facts: Facts): Promise<void> {
  const { pagesDirectory, basePath, credentials } = facts;
  // Of what is made on the way, such as a device's texts, and of model files that are text; numbers do not shrink.
  await http.register(fastifyCompress, {
    threshold: 1024,
    encodings: ["br", "gzip"],
    customTypes: SHRINKING,
    brotliOptions: QUICKLY,
  });
  await http.register(fastifyStatic, {
    ...(pagesDirectory === null
      ? { serve: false, root: "/" }
      : { root: pagesDirectory, index: ["index.html"] }),
    preCompressed: true, // the pages come with .br and .gz beside each file that shrinks
    cacheControl: false, // setHeaders decides
    setHeaders(response, path) {
      // Vite names assets by their content; everything else is asked for again and answered by its ETag.
      const immutable = /[/\\]assets[/\\][^/\\]+-[\w-]{8,}\.\w+(?:\.br|\.gz)?$/.test(path);
      response.setHeader("cache-control", immutable ? FOR_EVER : "no-cache");
    },
  });
  const noSuchThing = (reply: FastifyReply, what: string) => reply.code(404).send({ error: what });

  http.get("/healthz", () => facts.health());
  http.get("/readyz", (_request, reply) => {
    const reason = facts.notReady();
    return reply.code(reason === null ? 200 : 503).send({ ready: reason === null, reason });
  });
  const document = openApiDocument(basePath);
  const documentText = JSON.stringify(document);
  http.get("/api/openapi.json", (_request, reply) => reply.type("application/json").send(documentText));
  http.get("/api", (_request, reply) =>
    reply.type("text/html; charset=utf-8").send(interfacePage(document, basePath)),
  );
  // The run's seed gives everybody's masks away, its report names devices, and two adapters in a row are an update.
  const forMembers = { preHandler: credentials.required };
  http.get("/metrics", forMembers, async (_request, reply) =>
    reply.type(facts.metrics.contentType).send(await facts.metrics.text()),
  );
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

  http.get("/api/adapter-peft.zip", forMembers, async (_request, reply) =>
    sendBytes(
      reply.header("content-disposition", 'attachment; filename="adapter-peft.zip"'),
      await facts.peftFile(),
    ),
  );

  // The run has one model; what stands before the file's name is its version, for caches.
  const pathOf = (request: FastifyRequest) => (request.params as { "*": string })["*"];
  const keepsForEver = async (request: FastifyRequest, reply: FastifyReply) => {
    const isVersion = pathOf(request).split("/").at(-2) === facts.modelManifest().version;
    if (isVersion && reply.statusCode < 400) reply.header("cache-control", FOR_EVER);
  };
  http.get("/models/*", { onSend: keepsForEver }, (request, reply) => {
    const name = basename(pathOf(request));
    if (name === MODEL_MANIFEST) return facts.modelManifest();
    const directory = facts.modelDirectory();
    if (!isModelFile(name) || !existsSync(join(directory, name)))
      return noSuchThing(reply, `the model has no file ${name}`);
    return reply.sendFile(name, directory);
  });

  if (pagesDirectory !== null) http.get("/host", (_request, reply) => reply.sendFile("host.html"));
  // A page's relative addresses need the slash.
  if (basePath !== "/") http.get(basePath.slice(0, -1), (_request, reply) => reply.redirect(basePath, 308));
  http.setNotFoundHandler((request, reply) =>
    // Who has mistyped the address is a person.
    request.headers.accept?.includes("text/html")
      ? reply.code(404).type("text/html; charset=utf-8").send(lostPage(basePath))
      : noSuchThing(reply, `nothing is at ${request.url.split("?")[0]}`),
  );
}
