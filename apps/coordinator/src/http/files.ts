/** HTTP of files: pages, the model, a device's own texts, and what a member of the open round trains on. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { constants } from "node:zlib";
import fastifyCompress from "@fastify/compress";
import fastifyStatic from "@fastify/static";
import { type DeviceTexts, isModelFile, MODEL_MANIFEST, type ModelManifest } from "@fedlodrop/run";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Credentials } from "../security/credentials.ts";
import { registerSubAdapters, type SubAdapterDesk } from "./sub-adapters.ts";

export interface Files {
  readonly credentials: Credentials;
  /** Null of one that does not take part any more. */
  textsOf(participantId: string): Promise<DeviceTexts | null>;
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
<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="${basePath}lost.css">
<main><h1>Nothing is at this address</h1>
<p>See whether it was typed as the host shows it, or <a href="${basePath}">join the run here</a>.</p></main></html>
`;

export async function registerFiles(http: FastifyInstance, files: Files): Promise<void> {
  const { pagesDirectory, basePath, credentials } = files;
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

  const forMembers = { preHandler: credentials.required };
  registerSubAdapters(http, credentials, files.subAdapters);
  http.get("/api/split", forMembers, async (request, reply) => {
    const holder = (await credentials.holderOf(request)) as string;
    if (holder === "host")
      return reply.code(403).send({ error: "texts are for the participants they belong to" });
    const texts = await files.textsOf(holder);
    return texts === null
      ? reply.code(404).send({ error: `${holder} does not take part any more` })
      : reply.header("cache-control", "no-store").send(texts);
  });

  // The run has one model; what stands before the file's name is its version, for caches.
  const pathOf = (request: FastifyRequest) => (request.params as { "*": string })["*"];
  const keepsForEver = async (request: FastifyRequest, reply: FastifyReply) => {
    const isVersion = pathOf(request).split("/").at(-2) === files.modelManifest().version;
    if (isVersion && reply.statusCode < 400) reply.header("cache-control", FOR_EVER);
  };
  http.get("/models/*", { onSend: keepsForEver }, (request, reply) => {
    const name = basename(pathOf(request));
    if (name === MODEL_MANIFEST) return files.modelManifest();
    const directory = files.modelDirectory();
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
