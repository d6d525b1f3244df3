import type { World } from "../world.ts";

/** The clock of a node: it may run at another speed than the time of the world. */
export class NodeClock {
  readonly #world: World;
  #setAtMs = 0;
  #shownMs = 0;
  #speed = 1;

  constructor(world: World) {
    this.#world = world;
  }

  get nowMs(): number {
    return this.#shownMs + (this.#world.nowMs - this.#setAtMs) * this.#speed;
  }

  /** Leaps ahead, then runs at a speed. */
  set(speed: number, leapMs: number): void {
    this.#shownMs = this.nowMs + leapMs;
    this.#setAtMs = this.#world.nowMs;
    this.#speed = speed;
  }

  /** Runs something when so much of the own time has passed; a later change of speed is not noticed. */
  schedule(delayMs: number, run: () => void): void {
    this.#world.schedule(delayMs / this.#speed, run);
  }
}
