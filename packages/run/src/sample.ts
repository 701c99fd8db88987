/** Texts as they are dealt to devices, trained on and measured. */
import { z } from "zod";

export const sampleSchema = z
  .object({
    text: z.string(),
    /** Index of its class; absent for language modelling. */
    label: z.int().min(0).optional(),
  })
  .readonly();
export type Sample = z.infer<typeof sampleSchema>;

/** One device's own training texts, as its participant fetches them. */
export const deviceTextsSchema = z
  .object({
    /** Whose texts these are, e.g. "Ronald Reagan". */
    device: z.string(),
    samples: z.array(sampleSchema).readonly(),
  })
  .readonly();
export type DeviceTexts = z.infer<typeof deviceTextsSchema>;
