/** The slow motion of one round on the teacher's screen. */
import type { RunDescription } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatBytes, formatPercent } from "../../ui/format.ts";
import { siteUrl } from "../../ui/site.ts";
import { say } from "../../words/words.ts";
import type { ReceivedView } from "../host/connection.ts";
import { newestRound, type SlowRound, STAGES, slowRound } from "./slow-round.ts";

interface SlowMotionProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
}

export function SlowMotion({ view, hostKey }: SlowMotionProps) {
  const run = useSignal<RunDescription | null>(null);
  const stage = useSignal(0);
  /** The round that is walked through: rounds that end meanwhile do not take its place. */
  const walked = useSignal<SlowRound | null>(null);
  useEffect(() => {
    // The shape of the adapter is not the host page's otherwise.
    void fetch(`${siteUrl()}api/run`, { headers: { authorization: `Bearer ${hostKey}` } })
      .then(async (response) => {
        if (response.ok) run.value = (await response.json()) as RunDescription;
      })
      .catch(() => {});
  }, [run, hostKey, view.runId]);
  const newest = run.value && newestRound(view.rounds);
  const begin = (): void => {
    walked.value = run.value && slowRound(view.config, run.value.adapter, view.rounds);
    stage.value = 0;
  };
  useEffect(begin, [view.runId, newest === null]);
  const shown = walked.value;
  if (!shown) return <p class="muted">{say("slow.later")}</p>;
  const at = STAGES[stage.value] ?? "drawn";
  return (
    <section class="slow" data-testid="slow-round" data-stage={stage.value}>
      <h3>{say("slow.round", { round: shown.round })}</h3>
      <p role="status">{say("slow.stage", { number: stage.value + 1, stage: say(`slow.${at}`) })}</p>
      {shown.deviceCount > shown.devices.length && (
        <p class="muted" data-testid="slow-some">
          {say("slow.some", { shown: shown.devices.length, all: shown.deviceCount })}
        </p>
      )}
      <Rows shown={shown} stage={at} />
      <div class="row">
        <button
          type="button"
          disabled={stage.value === 0}
          onClick={() => {
            stage.value -= 1;
          }}
        >
          {say("back")}
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
          {say("slow.next")}
        </button>
        {newest !== null && newest !== shown.round && (
          <button type="button" data-testid="slow-newest" onClick={begin}>
            {say("slow.newest", { round: newest })}
          </button>
        )}
      </div>
    </section>
  );
}

function Rows({
  shown: { devices, deviceCount, averaged, module },
  stage,
}: {
  readonly shown: SlowRound;
  readonly stage: (typeof STAGES)[number];
}) {
  return (
    <div class="slow-rows">
      {devices.map(({ id, nickname, dropoutRate, kept, bytesDown, bytesUp, counted }) => (
        <div key={id} class="slow-row">
          <span>{nickname}</span>
          <span
            class="cells"
            role="img"
            aria-label={say("slow.keeps", {
              nickname,
              kept: kept.filter(Boolean).length,
              all: kept.length,
              module,
            })}
          >
            {kept.map((is, column) => (
              <i key={column} class={is ? "kept" : ""} />
            ))}
          </span>
          <small class="number">
            {stage === "drawn" && say("slow.dropped", { rate: formatPercent(dropoutRate) })}
            {stage === "down" && say("slow.received", { bytes: formatBytes(bytesDown) })}
            {stage === "trains" && say("slow.training")}
            {(stage === "up" || stage === "averaged") &&
              (counted ? say("slow.sent", { bytes: formatBytes(bytesUp) }) : say("slow.late"))}
          </small>
        </div>
      ))}
      {stage === "averaged" && (
        <div class="slow-row">
          <strong>{say("slow.average")}</strong>
          <span class="cells" role="img" aria-label={say("slow.average.about")}>
            {averaged.map((count, column) => (
              <i
                key={column}
                class="averaged"
                style={`--share: ${count / Math.max(1, deviceCount)}`}
                title={say("slow.of", { count, all: deviceCount })}
              />
            ))}
          </span>
          <span />
        </div>
      )}
    </div>
  );
}
