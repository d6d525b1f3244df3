/**
 * What a store may hold after a crash: of every place the last acknowledged version, or one that
 * was under way. Versions are numbers, {@linkcode ABSENT} stands for none.
 *
 * @module
 */

/** The version of a place that was never written, or deleted. */
export const ABSENT = 0;

/** A write of one version to one place. */
export interface Write {
  readonly place: string;
  readonly version: number;
}

interface Candidate extends Write {
  readonly begunAt: number;
  /** Infinity while it is not acknowledged. */
  endedAt: number;
}

/**
 * The order of calls, as their callers saw it. A write that was acknowledged before another one
 * began that is acknowledged too cannot be the last one any more; all others can.
 */
export class History {
  readonly #candidates = new Map<string, Candidate[]>();
  #now = 0;

  /** All places that were ever written to. */
  get places(): readonly string[] {
    return [...this.#candidates.keys()];
  }

  /** A write is about to be sent. */
  begin(place: string, version: number): Write {
    const candidate = { place, version, begunAt: ++this.#now, endedAt: Infinity };
    const known = this.#candidates.get(place);
    if (known === undefined) this.#candidates.set(place, [absentSinceEver(place), candidate]);
    else known.push(candidate);
    return candidate;
  }

  /** The write was answered with success. */
  acknowledge(write: Write): void {
    const candidates = this.#candidates.get(write.place) ?? [];
    const acknowledged = candidates.find((candidate) => candidate === write);
    if (acknowledged === undefined) return; // one that began later was acknowledged before
    acknowledged.endedAt = ++this.#now;
    const left = candidates.filter(({ endedAt }) => endedAt >= acknowledged.begunAt);
    this.#candidates.set(write.place, left);
  }

  /** The versions that the place may hold now. */
  allowed(place: string): ReadonlySet<number> {
    const candidates = this.#candidates.get(place) ?? [absentSinceEver(place)];
    return new Set(candidates.map(({ version }) => version));
  }

  /** Versions of the place that nobody acknowledged. */
  underWay(place: string): readonly number[] {
    const candidates = this.#candidates.get(place) ?? [];
    return candidates.filter(({ endedAt }) => endedAt === Infinity).map(({ version }) => version);
  }

  /** After a crash a version was found: from now on the place holds it and nothing else. */
  settle(place: string, version: number): void {
    const now = ++this.#now;
    this.#candidates.set(place, [{ place, version, begunAt: now, endedAt: now }]);
  }
}

function absentSinceEver(place: string): Candidate {
  return { place, version: ABSENT, begunAt: 0, endedAt: 0 };
}
