/** Counters of the packets so far. */
export interface PacketCounts {
  /** Sent by a node, wherever to. */
  readonly sent: number;
  /** Handed to the node that they were for. */
  readonly arrived: number;
}

const STOP = 0;
const SENT = 1;
const ARRIVED = 2;
const FIRST_LINK = 3;

/** What the laboratory and its emulator, another thread, tell each other through shared memory. */
export class Control {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #nodes: number;

  /** With the memory that another thread gave, the same control as there. */
  constructor(
    nodes: number,
    readonly memory = new SharedArrayBuffer(4 * (FIRST_LINK + nodes * nodes)),
  ) {
    this.#nodes = nodes;
    this.#words = new Int32Array(memory);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  /** Whether packets from one node to another vanish. */
  isCut(from: number, to: number): boolean {
    return Atomics.load(this.#words, this.#wordOf(from, to)) !== 0;
  }

  setCut(from: number, to: number, isCut: boolean): void {
    Atomics.store(this.#words, this.#wordOf(from, to), isCut ? 1 : 0);
  }

  countSent(): void {
    Atomics.add(this.#words, SENT, 1);
  }

  countArrived(): void {
    Atomics.add(this.#words, ARRIVED, 1);
  }

  counts(): PacketCounts {
    return { sent: this.#word(SENT), arrived: this.#word(ARRIVED) };
  }

  #word(index: number): number {
    return Atomics.load(this.#words, index);
  }

  #wordOf(from: number, to: number): number {
    return FIRST_LINK + from * this.#nodes + to;
  }
}
