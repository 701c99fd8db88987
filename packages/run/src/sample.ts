/** Texts as they are dealt to devices, trained on and measured. */
import { z } from "zod";

/** Of a conversation. */
const turnSchema = z
  .object({
    /** As chat templates know them. */
    role: z.enum(["system", "user", "assistant"]),
    content: z.string(),
  })
  .readonly();
export type ChatTurn = z.infer<typeof turnSchema>;

export const sampleSchema = z
  .object({
    text: z.string(),
    /** A second text, where two are judged together. */
    pair: z.string().optional(),
    /** Index of its class; of classification only. */
    label: z.int().min(0).optional(),
    /** What is to be estimated; of regression only. */
    value: z.number().optional(),
    /** What was said before the text, which is the answer to it; of conversations only. */
    context: z.array(turnSchema).readonly().optional(),
  })
  .readonly();
export type Sample = z.infer<typeof sampleSchema>;

/** What a task asks of a model. */
export const TASK_KINDS = ["language-model", "chat", "classification", "regression"] as const;
export type TaskKind = (typeof TASK_KINDS)[number];
/** The figure that a task is judged by beside its loss. */
export const TASK_METRICS = ["perplexity", "accuracy", "pearson"] as const;
export type TaskMetric = (typeof TASK_METRICS)[number];

/** One device's own training texts, as its participant fetches them. */
export const deviceTextsSchema = z
  .object({
    /** Which part of the training texts; absent where a gateway of an earlier version serves them. */
    part: z.int().min(0).optional(),
    /** Whose texts these are, e.g. "Ronald Reagan". */
    device: z.string(),
    samples: z.array(sampleSchema).readonly(),
  })
  .readonly();
export type DeviceTexts = z.infer<typeof deviceTextsSchema>;
