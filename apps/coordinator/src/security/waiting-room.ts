/**
 * Who has joined and loads. Loading holds no place of the run, but it does not last for ever either; and when too many
 * load, the one gives way that came first from the address that most of them come from: a flood pushes itself out.
 */
export interface WaitingRoom {
  /** @param address null of one that has a place already, and so gives way to nobody */
  entered(participantId: string, address: string | null, nowMs: number): void;
  /** It is ready, or gone. */
  left(participantId: string): void;
  /** Of those without a place. */
  readonly size: number;
  /** Who came before `ms`, the first first. */
  enteredBefore(ms: number): readonly string[];
  /** Who gives way to a newcomer from `address`; undefined when that address is itself the busiest, or nobody loads. */
  giveWay(address: string): string | undefined;
}

export function createWaitingRoom(): WaitingRoom {
  /** In the order of entering, as are those of each address: a newcomer costs the same however many load. */
  const loading = new Map<string, { readonly address: string | null; readonly sinceMs: number }>();
  let placed = 0;
  const byAddress = new Map<string, Set<string>>();
  function left(participantId: string): void {
    const address = loading.get(participantId)?.address;
    if (address === undefined) return;
    loading.delete(participantId);
    if (address === null) {
      placed -= 1;
      return;
    }
    const own = byAddress.get(address);
    own?.delete(participantId);
    if (own?.size === 0) byAddress.delete(address);
  }
  return {
    entered(participantId, address, nowMs) {
      left(participantId);
      loading.set(participantId, { address, sinceMs: nowMs });
      if (address === null) placed += 1;
      else byAddress.set(address, (byAddress.get(address) ?? new Set()).add(participantId));
    },
    left,
    get size() {
      return loading.size - placed;
    },
    enteredBefore(ms) {
      const before: string[] = [];
      for (const [id, { sinceMs }] of loading) {
        if (sinceMs >= ms) break;
        before.push(id);
      }
      return before;
    },
    giveWay(address) {
      let busiest: ReadonlySet<string> = new Set();
      for (const own of byAddress.values()) if (own.size > busiest.size) busiest = own;
      if ((byAddress.get(address)?.size ?? 0) >= busiest.size) return undefined;
      return busiest.values().next().value;
    },
  };
}
