/** What a limit does to a map. */
interface Ageing {
  /** Whether nothing is known. */
  readonly isEmpty: boolean;
  /** Forgets what is old and makes old what is young. */
  age(): void;
}

/**
 * Maps that forget what was not used lately, and together hold no more than their limit: what is
 * set or read is young, and as soon as half of the limit is young, all of it becomes old and what
 * was old is gone.
 */
export class RecentLimit {
  readonly #maps = new Set<Ageing>();
  #young = 0;
  #old = 0;

  /** @param max what all entries may weigh together, beside one that weighs more than half of it */
  constructor(readonly max: number) {}

  /** What all entries weigh; one that is young and old counts twice. */
  get weight(): number {
    return this.#young + this.#old;
  }

  /** An entry is about to become young. */
  add(map: Ageing, weight: number): void {
    if (this.#young + weight > this.max / 2) this.#age();
    this.#young += weight;
    this.#maps.add(map);
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = 0;
    for (const map of this.#maps) {
      map.age();
      if (map.isEmpty) this.#maps.delete(map);
    }
  }
}

/** A map under a {@linkcode RecentLimit}. */
export class RecentMap<Key, Value> implements Ageing {
  readonly #limit: RecentLimit;
  readonly #weigh: (value: Value) => number;
  #young = new Map<Key, Value>();
  #old: Map<Key, Value> | null = null;

  /** @param weigh what an entry counts */
  constructor(limit: RecentLimit, weigh: (value: Value) => number = () => 1) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  /** The value of a key, undefined when it is not known. */
  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    return value === undefined ? this.#rejuvenated(key) : value;
  }

  /** Sets a value. */
  set(key: Key, value: Value): void {
    if (!this.#young.has(key)) this.#limit.add(this, this.#weigh(value));
    this.#young.set(key, value);
  }

  get isEmpty(): boolean {
    return this.#young.size === 0 && this.#old === null;
  }

  age(): void {
    this.#old = this.#young.size === 0 ? null : this.#young;
    this.#young = new Map();
  }

  #rejuvenated(key: Key): Value | undefined {
    const value = this.#old?.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
}
