/** Lines of earlier runs in the chart. */
import { titleOf } from "../../ui/arm-title.ts";
import type { Line } from "../../ui/chart.tsx";
import { say } from "../../words/words.ts";
import type { EarlierRun } from "./earlier-runs.ts";

/** Of a run that compared, the other arm is dashed. */
export const ghostsOf = (earlier: readonly EarlierRun[]): Line[] =>
  earlier.flatMap(({ arms }, k) =>
    arms.map(({ terms, losses }, nth) => ({
      label:
        earlier.length > 1
          ? say("curve.before-nth", { back: k - earlier.length, arm: titleOf(terms) })
          : say("curve.before", { arm: titleOf(terms) }),
      color: "--ghost",
      dashed: nth > 0,
      values: losses,
    })),
  );
