/** What part of the limit a generation may add. */
const GENERATION_SHARE = 1 / 4;

/**
 * Bounds the nodes that all tries of a state have in memory together. A generation lasts until a
 * quarter of the limit was added; if there are too many then, what was not used in it is freed, see
 * {@linkcode Trie.sweep}.
 */
export class NodeMemory {
  #count = 0;
  #generation = 0;
  #left = 0;

  /** @param max nodes that may be in memory, beside those that one block walks over */
  constructor(readonly max: number) {}

  /** Nodes in memory; those that were replaced or removed count until the generation ends. */
  get count(): number {
    return this.#count;
  }

  /** What nodes that are used now are stamped with. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether the generation has to end. */
  get isFull(): boolean {
    return this.#count - this.#left > this.max * GENERATION_SHARE;
  }

  /** Whether a generation that begins with so many nodes could go past the limit. */
  isTooMany(left: number): boolean {
    return left > this.max * (1 - GENERATION_SHARE);
  }

  /** Counts nodes that were read or made. */
  add(count: number): void {
    this.#count += count;
  }

  /** Begins a generation in which so many nodes are left. */
  begin(left: number): void {
    this.#count = this.#left = left;
    this.#generation++;
  }
}
