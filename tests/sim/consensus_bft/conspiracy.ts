import { MessageType } from "../../../services/consensus/bft/core/messages.ts";
import type { World } from "../world.ts";

/** Each traitor is that many honest nodes with one key. */
export const TWIN_COUNT = 2;

/** How long a plan lasts. */
const PLAN_MS_MIN = 1_000;
const PLAN_MS_MAX = 30_000;

/** How likely it is that a node gets none of a type of messages while a plan lasts. */
const WITHHOLD_RATE = 0.2;

/** How likely it is that decisions are shown to one node alone while a plan lasts. */
const SECRECY_RATE = 0.3;

/** What all traitors of a net have in common: which of their twins an honest node is shown. */
export class Conspiracy {
  readonly #world: World;
  readonly #shown: number[];
  /** Whom decisions are shown to alone; null while everyone may see them. */
  #favourite: number | null = null;
  /** Types of messages that nodes get none of. */
  readonly #withheld = new Set<string>();

  constructor(world: World, honestCount: number) {
    this.#world = world;
    this.#shown = Array.from({ length: honestCount }, () => 0);
  }

  /** Makes a plan, and another one after a while. */
  start(): void {
    this.#withheld.clear();
    const isSecret = this.#world.chance(SECRECY_RATE);
    this.#favourite = isSecret ? this.#world.between(0, this.#shown.length - 1) : null;
    for (const node of this.#shown.keys()) {
      this.#shown[node] = this.#world.between(0, TWIN_COUNT - 1);
      for (const type of Object.values(MessageType)) {
        if (this.#world.chance(WITHHOLD_RATE)) this.#withheld.add(`${type} ${node}`);
      }
    }
    this.#world.schedule(this.#world.between(PLAN_MS_MIN, PLAN_MS_MAX), () => this.start());
  }

  /** Whether a node gets no messages of a type at the moment. */
  isWithheld(type: string, node: number): boolean {
    if (this.#withheld.has(`${type} ${node}`)) return true;
    const isSecret = type === MessageType.LeaderPrecommit && !this.isTraitor(node);
    return isSecret && this.#favourite !== null && this.#favourite !== node;
  }

  /** Whether a node is of them: they are the last ones of a net. */
  isTraitor(node: number): boolean {
    return node >= this.#shown.length;
  }

  /** The twin that an honest node is shown at the moment. */
  twinFor(node: number): number {
    return this.#shown[node] ?? 0;
  }
}
