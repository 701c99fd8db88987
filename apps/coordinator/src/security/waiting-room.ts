/**
 * Who has joined and loads. Loading holds no place of the run, but it does not last for ever either; and when too many
 * load, the one gives way that came first from the address that most of them come from: a flood pushes itself out.
 */
export interface WaitingRoom {
  entered(participantId: string, address: string, nowMs: number): void;
  /** It is ready, or gone. */
  left(participantId: string): void;
  readonly size: number;
  /** Who came before `ms`, the first first. */
  enteredBefore(ms: number): readonly string[];
  /** Who gives way to a newcomer from `address`; undefined when that address is itself the busiest, or nobody loads. */
  giveWay(address: string): string | undefined;
}

export function createWaitingRoom(): WaitingRoom {
  /** In the order of entering. */
  const loading = new Map<string, { readonly address: string; readonly sinceMs: number }>();
  return {
    entered(participantId, address, nowMs) {
      loading.delete(participantId);
      loading.set(participantId, { address, sinceMs: nowMs });
    },
    left(participantId) {
      loading.delete(participantId);
    },
    get size() {
      return loading.size;
    },
    enteredBefore: (ms) => [...loading].filter(([, { sinceMs }]) => sinceMs < ms).map(([id]) => id),
    giveWay(address) {
      const counts = new Map<string, number>();
      for (const one of loading.values()) counts.set(one.address, (counts.get(one.address) ?? 0) + 1);
      const [busiest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
      if ((counts.get(address) ?? 0) >= most) return undefined;
      return [...loading].find(([, one]) => one.address === busiest)?.[0];
    },
  };
}
