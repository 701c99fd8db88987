/** Whose texts a device has: a name of the task's data, and of a name that several devices share which part of it. */
import { say } from "../words/words.ts";

export function partName(sent: string): string {
  const [, name, part] = sent.match(/^(.+), part (\d+)$/) ?? [];
  return name === undefined ? sent : say("data.part", { name, part: Number(part) });
}
