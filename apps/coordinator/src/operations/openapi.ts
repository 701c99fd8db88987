/** The coordinator's HTTP interface as an OpenAPI 3.1 document, made of the schemas that check it. */
import { runDescriptionSchema } from "@fedlodrop/protocol";
import {
  deviceTextsSchema,
  promisesSchema,
  REPORT_FORMAT,
  roundRecordSchema,
  runConfigSchema,
} from "@fedlodrop/run";
import { z } from "zod";
import type { ListedRun } from "../runs/listed-run.ts";

const healthSchema = z.object({
  status: z.literal("ok"),
  phase: z.string(),
  round: z.int(),
  connected: z.int(),
});
const readinessSchema = z.object({ ready: z.boolean(), reason: z.string().nullable() });
const reportSchema = z.object({
  format: z.literal(REPORT_FORMAT),
  runId: z.string(),
  seed: z.string(),
  task: z.string(),
  model: z.string(),
  method: z.string(),
  config: runConfigSchema,
  baseTestLoss: z.number().nullable(),
  finalTestLoss: z.number().nullable(),
  adapterSha256: z.string(),
  rounds: z.array(roundRecordSchema),
});

const listedRunSchema = z.object({
  name: z.string(),
  runId: z.string(),
  begun: z.string().nullable(),
  state: z.string(),
  round: z.int(),
  rounds: z.int().nullable(),
  devices: z.int().nullable(),
  updates: z.int(),
  owner: z.string().nullable(),
  url: z.string().nullable(),
}) satisfies z.ZodType<ListedRun>;

const jsonOf = (schema: z.ZodType) => ({
  "application/json": { schema: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) },
});
const bytes = { "application/octet-stream": { schema: { type: "string", format: "binary" } } };
const text = { "text/plain": { schema: { type: "string" } } };

type Content = ReturnType<typeof jsonOf> | typeof bytes | typeof text;

const get = (summary: string, description: string, content: Content, more: object = {}) => ({
  get: { summary, responses: { 200: { description, content }, ...more } },
});
const busy = { description: "Too many requests a minute" };
/** @param refused who is not answered */
const withBearer = (refused: string) => (summary: string, description: string, content: Content) => {
  const responses = { 401: { description: `${refused}, as Authorization: Bearer` }, 429: busy };
  const { get: operation } = get(summary, description, content, responses);
  return { get: { ...operation, security: [{ bearer: [] }] } };
};
const forMembers = withBearer("Neither the host key nor a participant's token");
const forHosts = withBearer("Not the host key");

/** @param basePath `/` or `/…/` */
export function openApiDocument(basePath: string) {
  const notReady = { 503: { description: "It is not: why", content: jsonOf(readinessSchema) } };
  return {
    openapi: "3.1.0",
    info: { title: "FedLoDrop coordinator", version: "1" },
    servers: [{ url: basePath }],
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    paths: {
      "/healthz": get("Whether it is alive", "It is", jsonOf(healthSchema)),
      "/readyz": get("Whether it takes devices", "It does", jsonOf(readinessSchema), notReady),
      "/api/promises": get(
        "What is done with what a device sends",
        "The rule of averaging, and what hides a device's update",
        jsonOf(promisesSchema),
      ),
      "/metrics": forMembers("What an operator watches", "In Prometheus' format", text),
      "/api/runs": forHosts(
        "The runs of this database, the latest first",
        "Them",
        jsonOf(z.array(listedRunSchema)),
      ),
      "/api/run": forMembers(
        "The run: settings, task, adapter's shape",
        "The run",
        jsonOf(runDescriptionSchema),
      ),
      "/api/report": forMembers("The run so far", "As in report.json", jsonOf(reportSchema)),
      "/api/split": forMembers("A participant's own texts", "Its texts", jsonOf(deviceTextsSchema)),
      "/api/adapter": forMembers("The adapter: float32, little-endian", "Its values", bytes),
      "/api/adapter-peft.zip": forMembers("The adapter as PEFT loads it, zipped", "zip", bytes),
      "/api/adapter.safetensors": forMembers("The adapter as a file", "safetensors", bytes),
    },
  };
}
