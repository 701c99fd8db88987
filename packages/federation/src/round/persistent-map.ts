/**
 * A map whose versions are values: a change gives a new version, and the old one reads as before. Keys keep the order
 * in which they came. Whoever only goes on from the newest version pays the same for a change whatever the size;
 * reading an older one first takes back what has changed since (the rerooting of Baker's persistent arrays: the newest
 * version owns the table, an older one knows in which place it differs from the next newer).
 */
export interface PersistentMap<K, V> extends ReadonlyMap<K, V> {
  with(key: K, value: V): PersistentMap<K, V>;
  without(key: K): PersistentMap<K, V>;
}

export const persistentMap = <K, V>(entries: Iterable<readonly [K, V]> = []): PersistentMap<K, V> =>
  new Version(tableOf(entries));

/** A place belongs to one key for good: a key that goes leaves a hole, and comes back into a new place. */
interface Table<K, V> {
  readonly places: Map<K, number>;
  readonly slots: (Slot<K, V> | undefined)[];
}
type Slot<K, V> = readonly [K, V];

/** What `place`, which is `key`'s, held in this version where the next newer one holds something else. */
interface Difference<K, V> {
  readonly newer: Version<K, V>;
  readonly key: K;
  readonly place: number;
  readonly slot: Slot<K, V> | undefined;
}

const LEAST_HOLES = 32;

function tableOf<K, V>(entries: Iterable<Slot<K, V>>): Table<K, V> {
  const table: Table<K, V> = { places: new Map(), slots: [] };
  for (const [key, value] of entries)
    put(table, key, table.places.get(key) ?? table.slots.length, [key, value]);
  return table;
}

function put<K, V>(
  { places, slots }: Table<K, V>,
  key: K,
  place: number,
  slot: Slot<K, V> | undefined,
): void {
  slots[place] = slot;
  if (slot === undefined) places.delete(key);
  else places.set(key, place);
}

/** A class because a run makes one at every event, and because `for … of` and equality in tests look for a prototype. */
class Version<K, V> implements PersistentMap<K, V> {
  #held: Table<K, V> | Difference<K, V>;

  constructor(table: Table<K, V>) {
    this.#held = table;
  }

  with(key: K, value: V): PersistentMap<K, V> {
    const table = this.#table();
    return this.#change(table, key, table.places.get(key) ?? table.slots.length, [key, value]);
  }

  without(key: K): PersistentMap<K, V> {
    const table = this.#table();
    const place = table.places.get(key);
    if (place === undefined) return this;
    if (table.slots.length - table.places.size < Math.max(LEAST_HOLES, table.places.size))
      return this.#change(table, key, place, undefined);
    const copy = tableOf(this);
    copy.slots[copy.places.get(key) as number] = undefined;
    copy.places.delete(key);
    return new Version(copy);
  }

  #change(table: Table<K, V>, key: K, place: number, slot: Slot<K, V> | undefined): Version<K, V> {
    const newer = new Version(table);
    this.#held = { newer, key, place, slot: table.slots[place] };
    put(table, key, place, slot);
    return newer;
  }

  /** The table as it is in this version, which owns it from now on. */
  #table(): Table<K, V> {
    const behind: Version<K, V>[] = [];
    let owner: Version<K, V> = this;
    while ("newer" in owner.#held) {
      behind.push(owner);
      owner = owner.#held.newer;
    }
    const table = owner.#held;
    for (const older of behind.reverse()) {
      const { key, place, slot } = older.#held as Difference<K, V>;
      owner.#held = { newer: older, key, place, slot: table.slots[place] };
      put(table, key, place, slot);
      older.#held = table;
      owner = older;
    }
    return table;
  }

  /** A copy, so that an iteration is not disturbed when another version takes the table. */
  #entries(): Slot<K, V>[] {
    return this.#table().slots.filter((slot) => slot !== undefined);
  }

  get size(): number {
    return this.#table().places.size;
  }
  has(key: K): boolean {
    return this.#table().places.has(key);
  }
  get(key: K): V | undefined {
    const { places, slots } = this.#table();
    const place = places.get(key);
    return place === undefined ? undefined : slots[place]?.[1];
  }
  entries(): MapIterator<[K, V]> {
    return this.#entries().values() as MapIterator<[K, V]>;
  }
  keys(): MapIterator<K> {
    return this.#entries()
      .map(([key]) => key)
      .values();
  }
  values(): MapIterator<V> {
    return this.#entries()
      .map(([, value]) => value)
      .values();
  }
  forEach(callBack: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.#entries()) callBack(value, key, this);
  }
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }
}
