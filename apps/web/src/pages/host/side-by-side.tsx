/** Before the first round: whether the run has a second arm, that shows what dropout does. */
import { useSignal } from "@preact/signals";
import { titleOf } from "../../ui/arm-title.ts";
import { say } from "../../words/words.ts";
import { isAboutDropout, mayCompare, oppositeArm } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import type { Command } from "./controls.tsx";

interface SideBySideProps {
  readonly config: ReceivedView["config"];
  readonly command: Command;
}

/** Another run takes this one's place, for which the devices get ready again. */
export function SideBySide({ config, command }: SideBySideProps) {
  /** What was asked for and is being set up. */
  const wanted = useSignal<boolean | null>(null);
  /** One that was asked for by name comes back with the tick. */
  const named = useSignal(config.compareWith);
  if (!mayCompare(config)) return null;
  const other = config.compareWith ?? named.value ?? oppositeArm(config);
  const choose = async (isWanted: boolean): Promise<void> => {
    // Not disabled meanwhile, which would take the focus away.
    if (wanted.value !== null) return;
    wanted.value = isWanted;
    await command({ kind: "configure", config: { compareWith: isWanted ? other : null } });
    wanted.value = null;
  };
  return (
    <label class="check">
      <input
        type="checkbox"
        data-testid="side-by-side"
        checked={wanted.value ?? config.compareWith !== null}
        aria-busy={wanted.value !== null}
        onChange={({ currentTarget }) => choose(currentTarget.checked)}
      />
      {wanted.value !== null
        ? say("lobby.setting-up")
        : isAboutDropout({ ...config, compareWith: other })
          ? say("lobby.with-and-without")
          : say("lobby.side-by-side", { own: titleOf(config), other: titleOf(other) })}
    </label>
  );
}
