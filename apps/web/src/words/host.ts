/** What the host's page loads of the catalogue. */
import { gathered } from "./gathered.ts";
import type { Loader } from "./words.ts";

export const hostWords: Loader = {
  en: () =>
    gathered(
      import("./en/shared.ts"),
      import("./en/host.ts"),
      import("./en/drawer.ts"),
      import("./en/lesson.ts"),
    ),
  zh: () =>
    gathered(
      import("./zh/shared.ts"),
      import("./zh/host.ts"),
      import("./zh/drawer.ts"),
      import("./zh/lesson.ts"),
    ),
};
