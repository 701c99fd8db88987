/**
 * Tabs of this site whose engines share the machine's cores. Each holds a shared lock for as long as its worker lives, so
 * that a closed or crashed tab is forgotten without a word from it. Other profiles, browsers and sites are not seen.
 */

const NAME = "fedlodrop: an engine's threads";
/** A tab that comes or goes is noticed this much later. */
const STALE_MILLISECONDS = 2_000;

export interface Tabs {
  /** Threads for an engine that opens now: this tab's part of the cores, but two where there are two at all, for when the
   *  others have gone. */
  readonly fairShare: number;
  /** Whether each tab has fewer than two cores; its threads would then only wait for those of the others. */
  readonly isCrowded: boolean;
  /** This tab's engine is gone. */
  leave(): void;
}

/** Counts this tab in, and those that are there already. */
export async function joinTabs(locks: LockManager, cores: number): Promise<Tabs> {
  let leave = (): void => {};
  await new Promise<void>((held, failed) => {
    const untilLeft = (): Promise<void> => {
      held();
      return new Promise((resolve) => {
        leave = resolve;
      });
    };
    locks.request(NAME, { mode: "shared" }, untilLeft).catch(failed);
  });
  const ask = async (): Promise<number> =>
    (await locks.query()).held?.filter(({ name }) => name === NAME).length ?? 1;
  let count = await ask().catch((error: unknown) => {
    leave();
    throw error;
  });
  let asked = performance.now();
  return {
    fairShare: Math.max(Math.min(2, cores), Math.floor(cores / count)),
    get isCrowded() {
      if (performance.now() - asked > STALE_MILLISECONDS) {
        asked = performance.now();
        ask().then(
          (found) => {
            count = found;
          },
          () => {}, // a page on its way out has no locks any more
        );
      }
      return count > 1 && cores / count < 2;
    },
    leave,
  };
}
