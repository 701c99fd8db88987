/** HTTP of the run: its description, the adapter, the report, health. Nothing here changes a run; what is not for
 *  everybody needs the host key or a participant's token. */
import { Readable } from "node:stream";
import type { RunDescription } from "@fedlodrop/protocol";
import { promisesOf } from "@fedlodrop/run";
import type { FastifyInstance, FastifyReply } from "fastify";
import { interfacePage } from "../operations/interface-page.ts";
import type { Metrics } from "../operations/metrics.ts";
import { openApiDocument } from "../operations/openapi.ts";
import { runsPage } from "../operations/runs-page.ts";
import type { ListedRun } from "../runs/listed-run.ts";
import { type Files, registerFiles } from "./files.ts";

export interface Facts extends Files {
  describe(): RunDescription;
  /** This one and those beside it. */
  runs(): Promise<readonly ListedRun[]>;
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
}

const ROUND_HEADER = "x-fedlodrop-round";

export async function registerRoutes(http: FastifyInstance, facts: Facts): Promise<void> {
  const { basePath, credentials } = facts;
  await registerFiles(http, facts);
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
  http.get("/api/promises", (_request, reply) =>
    reply.header("cache-control", "no-store").send(promisesOf(facts.describe().config)),
  );
  // The run's seed gives everybody's masks away, its report names devices, and two adapters in a row are an update.
  const forMembers = { preHandler: credentials.required };
  http.get("/metrics", forMembers, async (_request, reply) =>
    reply.type(facts.metrics.contentType).send(await facts.metrics.text()),
  );
  http.get("/api/runs", { preHandler: credentials.hostOnly }, () => facts.runs());
  // A browser asks for the key itself: the page needs no script.
  http.get("/runs", { preHandler: credentials.hostInBrowser }, async (_request, reply) =>
    reply
      .type("text/html; charset=utf-8")
      .header("cache-control", "no-store")
      .send(runsPage(await facts.runs())),
  );
  http.get("/api/run", forMembers, () => facts.describe());
  http.get("/api/report", forMembers, (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(Readable.from(facts.reportText())),
  );

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
}
