/** Dropout rates, device by round: where they differ, and when they changed. */
import { useMemo } from "preact/hooks";
import { formatPercent } from "../../ui/format.ts";
import { localeNow, say } from "../../words/words.ts";
import type { ReceivedView } from "./connection.ts";
import { WHOLE_ROUNDS } from "./rounds-so-far.ts";

/** Of more devices the rows are too thin for names. */
const LEGIBLE_ROWS = 10;
/** More rounds than these are thinned to every n-th. */
const MOST_COLUMNS = 60;

/** Drawn anew with a round, not with each of the views between: it may have thousands of cells. */
export function RateMap({ view: { runId, rounds } }: { readonly view: ReceivedView }) {
  const locale = localeNow();
  return useMemo(() => <Cells rounds={rounds} />, [runId, rounds.length, rounds.at(-1), locale]);
}

function Cells({ rounds }: Pick<ReceivedView, "rounds">) {
  const known = rounds.slice(-WHOLE_ROUNDS);
  const every = Math.ceil(known.length / MOST_COLUMNS);
  const shown = known.filter((_, i) => (known.length - 1 - i) % every === 0);
  const names = new Map(
    shown.flatMap(({ participants }) => participants.map(({ id, nickname }) => [id, nickname] as const)),
  );
  if (names.size === 0) return null;
  const density = names.size > LEGIBLE_ROWS ? "many" : "few";
  return (
    <section class="card rate-map">
      <div class="row between">
        <h2>{say("map.title")}</h2>
        <small>{every > 1 ? say("map.key-thinned", { nth: every }) : say("map.key")}</small>
      </div>
      <div
        class="rate-rows"
        data-density={density}
        role="img"
        aria-label={[...names]
          .map(([id, name]) => {
            const rate = rounds.at(-1)?.participants.find((each) => each.id === id)?.dropoutRate;
            return say("map.row", {
              nickname: name,
              rate: rate === undefined ? say("map.not-in-last") : formatPercent(rate),
            });
          })
          .join("; ")}
      >
        {[...names].map(([id, name]) => (
          <div key={id} class="rate-row">
            <span>{name}</span>
            {shown.map(({ round, participants }) => {
              const rate = participants.find((each) => each.id === id)?.dropoutRate;
              return (
                <i
                  key={round}
                  class={rate === undefined ? "absent" : ""}
                  style={`--rate: ${rate ?? 0}`}
                  title={say("map.cell", {
                    nickname: name,
                    round,
                    rate: rate === undefined ? say("map.not-in") : formatPercent(rate),
                  })}
                />
              );
            })}
          </div>
        ))}
      </div>
    </section>
  );
}
