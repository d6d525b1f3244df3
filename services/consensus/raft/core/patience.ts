/** Nobody waits longer for a leader that is silent, in election times. */
const TICKS_MAX = 8;

/** How much longer a leader is borne with that is heard: a majority may be about to answer it. */
const IDLE_FACTOR = 3;

/**
 * How long a node bears with a leader, itself included. Where links are slow or blocks large, a
 * commit may take longer than an election time: whoever gives the leader up then throws away what
 * is on its way, and the next one begins anew.
 */
export class Patience {
  /** Election time in ticks, longer where commits take long. */
  ticks: number;
  /** Ticks since the leader was of use. */
  #idle = 0;
  /** The most that it came to since the last commit. */
  #longestIdle = 0;
  /** Ticks since the leader was of use, though nothing may have waited for it. */
  #barren = 0;
  /** Whether this term has a leader who has brought nothing yet. */
  #isFruitless = false;

  constructor(readonly electionTicks: number) {
    this.ticks = electionTicks;
  }

  /** Whether the leader is of no use, however often it is heard. */
  get isOver(): boolean {
    return this.#idle >= IDLE_FACTOR * this.ticks;
  }

  /**
   * Whether another leader may have more to offer: nothing was committed for as long, be it that
   * nothing waits. This node alone cannot tell, but whoever asks for votes does not hear the leader.
   */
  get isBarren(): boolean {
    return this.#barren >= IDLE_FACTOR * this.ticks;
  }

  tick(): void {
    this.#idle++;
    this.#barren++;
  }

  /** This node leads from now on. */
  lead(): void {
    this.#idle = 0;
    this.#isFruitless = true;
  }

  /** Another one leads, and has brought something or not. */
  follow(isFruitful: boolean): void {
    this.#isFruitless = !isFruitful;
  }

  /** Nothing waits for the leader to commit it. */
  noteRest(): void {
    this.#longestIdle = Math.max(this.#longestIdle, this.#idle);
    this.#idle = 0;
  }

  /** The leader commits something, or would if this node could take more. */
  noteUse(): void {
    this.noteRest();
    this.#barren = 0;
  }

  /** Something is committed; if it is what this term was to bring, the next may take twice as long. */
  noteCommit(isFruitful: boolean): void {
    this.noteUse();
    if (!isFruitful) return;
    this.#set(2 * this.#longestIdle);
    this.#isFruitless = false;
    this.#longestIdle = 0;
  }

  /** The leader leaves by itself. */
  noteHandOver(): void {
    this.#isFruitless = false;
  }

  /** A term ends; if it brought nothing, the leader had too little time, maybe. */
  endTerm(): void {
    if (this.#isFruitless) this.#set(2 * this.ticks);
    this.#isFruitless = false;
    this.#idle = 0;
    this.#longestIdle = 0;
    this.#barren = 0;
  }

  #set(ticks: number): void {
    const { electionTicks } = this;
    this.ticks = Math.min(Math.max(ticks, electionTicks), TICKS_MAX * electionTicks);
  }
}
