/** What a base model's files are, so that devices can fetch them in parts, check each, and keep them for the next time. */
import { z } from "zod";

/** Bytes of every part of a file but its last: a part is in memory whole while it is fetched and checked. */
export const PART_BYTES = 4 << 20;

export const modelManifestSchema = z.strictObject({
  /** Another one for other contents. */
  version: z.string().regex(/^[0-9a-f]{16}$/),
  files: z.array(
    z.strictObject({
      name: z.string().min(1).max(200),
      bytes: z.int().min(0),
      /** SHA-256 of each part, hexadecimal. */
      parts: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
    }),
  ),
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type ModelFileParts = ModelManifest["files"][number];

/** Name under which it lies among the model's files. */
export const MODEL_MANIFEST = "manifest.json";
