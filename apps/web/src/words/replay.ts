/** What the replay's page loads of the catalogue. */
import { gathered } from "./gathered.ts";
import type { Loader } from "./words.ts";

export const replayWords: Loader = {
  en: () => gathered(import("./en/shared.ts"), import("./en/host.ts")),
  zh: () => gathered(import("./zh/shared.ts"), import("./zh/host.ts")),
};
