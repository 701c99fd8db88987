/** The slow motion of one round on the teacher's screen. */
import type { RunDescription } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatBytes, formatPercent } from "../../ui/format.ts";
import { siteUrl } from "../../ui/site.ts";
import type { ReceivedView } from "../host/connection.ts";
import { type SlowRound, STAGES, slowRound } from "./slow-round.ts";

interface SlowMotionProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
}

export function SlowMotion({ view, hostKey }: SlowMotionProps) {
  const run = useSignal<RunDescription | null>(null);
  const stage = useSignal(0);
  useEffect(() => {
    // The shape of the adapter is not the host page's otherwise.
    void fetch(`${siteUrl()}api/run`, { headers: { authorization: `Bearer ${hostKey}` } })
      .then(async (response) => {
        if (response.ok) run.value = (await response.json()) as RunDescription;
      })
      .catch(() => {});
  }, [run, hostKey, view.runId]);
  const shown = run.value && slowRound(view.config, run.value.adapter, view.rounds);
  if (!shown) return <p class="muted">It can be shown as soon as the first round is over.</p>;
  return (
    <section class="slow" data-testid="slow-round" data-stage={stage.value}>
      <h3>Round {shown.round}</h3>
      <p role="status">
        {stage.value + 1}. {STAGES[stage.value]}
      </p>
      <Rows shown={shown} stage={stage.value} />
      <div class="row">
        <button
          type="button"
          disabled={stage.value === 0}
          onClick={() => {
            stage.value -= 1;
          }}
        >
          Back
        </button>
        <button
          type="button"
          class="primary"
          data-testid="slow-next"
          disabled={stage.value === STAGES.length - 1}
          onClick={() => {
            stage.value += 1;
          }}
        >
          Next step
        </button>
      </div>
    </section>
  );
}

function Rows({
  shown: { devices, averaged, module },
  stage,
}: {
  readonly shown: SlowRound;
  readonly stage: number;
}) {
  return (
    <div class="slow-rows">
      {devices.map(({ id, nickname, dropoutRate, kept, bytesDown, bytesUp, counted }) => (
        <div key={id} class="slow-row">
          <span>{nickname}</span>
          <span
            class="cells"
            role="img"
            aria-label={`${nickname} keeps ${kept.filter(Boolean).length} of ${kept.length} columns of ${module}`}
          >
            {kept.map((is, column) => (
              <i key={column} class={is ? "kept" : ""} />
            ))}
          </span>
          <small class="number">
            {stage === 0 && `${formatPercent(dropoutRate)} dropped`}
            {stage === 1 && `↓ ${formatBytes(bytesDown)}`}
            {stage === 2 && "trains"}
            {stage >= 3 && (counted ? `↑ ${formatBytes(bytesUp)}` : "came too late")}
          </small>
        </div>
      ))}
      {stage === STAGES.length - 1 && (
        <div class="slow-row">
          <strong>average</strong>
          <span class="cells" role="img" aria-label="How many devices each column is averaged over">
            {averaged.map((count, column) => (
              <i
                key={column}
                class="averaged"
                style={`--share: ${count / Math.max(1, devices.length)}`}
                title={`${count} of ${devices.length}`}
              />
            ))}
          </span>
          <span />
        </div>
      )}
    </div>
  );
}
