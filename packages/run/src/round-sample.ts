/** What a model makes of the same few texts before a run and after a round, for people to read: no figure is made of it. */
import { z } from "zod";

const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const probabilities = z.array(figure).readonly();

export const roundSampleSchema = z.discriminatedUnion("kind", [
  z
    .object({
      kind: z.literal("text"),
      prompt: z.string(),
      /** How each goes on from the prompt, drawn with the same random numbers. */
      base: z.string(),
      tuned: z.string(),
      /** A sentence that nobody trained on. */
      unseen: z
        .object({
          text: z.string(),
          /** Predicted in it. */
          tokens: z.int().min(1),
          /** Mean loss a token, nats: the sentence as a whole has probability exp(−tokens · nats). */
          baseNats: figure,
          tunedNats: figure,
        })
        .readonly()
        .nullable(),
    })
    .readonly(),
  z
    .object({
      kind: z.literal("labels"),
      /** What the task calls them. */
      labels: z.array(z.string()).readonly(),
      /** Texts that nobody trained on. */
      guesses: z
        .array(
          z
            .object({
              text: z.string(),
              /** Its true one, as an index. */
              label: z.int().min(0),
              /** Of each label. */
              base: probabilities,
              tuned: probabilities,
            })
            .readonly(),
        )
        .readonly(),
    })
    .readonly(),
  z
    .object({
      kind: z.literal("values"),
      /** Texts that nobody trained on. */
      guesses: z
        .array(
          z
            .object({
              text: z.string(),
              /** The true one. */
              value: figure,
              /** What each estimates. */
              base: figure,
              tuned: figure,
            })
            .readonly(),
        )
        .readonly(),
    })
    .readonly(),
]);
export type RoundSample = z.infer<typeof roundSampleSchema>;
