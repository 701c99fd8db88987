/** What the participant's page loads of the catalogue. */
import { gathered } from "./gathered.ts";
import type { Loader } from "./words.ts";

export const participantWords: Loader = {
  en: () => gathered(import("./en/shared.ts"), import("./en/participant.ts")),
  zh: () => gathered(import("./zh/shared.ts"), import("./zh/participant.ts")),
};
