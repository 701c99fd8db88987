import type { Messages } from "./words.ts";

/** The messages of several parts of a catalogue, which come over the network together. */
export async function gathered(
  ...parts: readonly Promise<Readonly<Record<string, Messages>>>[]
): Promise<Messages> {
  const modules = await Promise.all(parts);
  return Object.assign({}, ...modules.flatMap((module) => Object.values(module)));
}
