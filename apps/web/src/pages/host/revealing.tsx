/** Says so when a round gives a single device's update away. */
import type { HostView } from "@fedlodrop/protocol";

export function Revealing({ view: { rounds, config } }: { readonly view: HostView }) {
  const last = rounds.at(-1);
  if (last === undefined) return null;
  const [only, ...others] = last.participants.filter(({ outcome }) => outcome === "aggregated");
  const discarded = last.participants.some(({ outcome }) => outcome === "discarded");
  const problem = last.secureAggregation?.problem;
  if (typeof problem === "string")
    return (
      <p class="notice" role="status" data-testid="no-sum">
        Round {last.round} came to nothing and is tried again: {problem}.
      </p>
    );
  if (discarded)
    return (
      <p class="notice" role="status" data-testid="discarded">
        Round {last.round} was discarded: fewer than {config.minContributors} devices contributed.
      </p>
    );
  // Noise hides it then.
  if (only === undefined || others.length > 0 || config.differentialPrivacy !== null) return null;
  return (
    <p class="notice" role="status" data-testid="revealing">
      Round {last.round} had one contributor, <bdi>{only.nickname}</bdi>: whoever has the model before and
      after it can compute what that device sent. Start with <code>--min-contributors 2</code> to discard such
      rounds.
    </p>
  );
}
