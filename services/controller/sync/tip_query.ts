import type { Block } from "../../../proto/gen/blockchain.ts";
import type { AddressHex } from "../node_manager/mod.ts";

/** A question that was sent. */
interface Question {
  readonly address: AddressHex;
  readonly sentMs: number;
}

/**
 * Asks peers for their copy of the block that is the tip here: its proof may be another one than
 * the stored one (spec/consensus.md, 5.1). Of every peer one answer at a height counts, so that one
 * that lies gains nothing.
 */
export class TipQuery {
  #height = 0n;
  /** Peers whose answer did not help. */
  readonly #exhausted = new Set<AddressHex>();
  #open: Question | null = null;
  #answer: { readonly address: AddressHex; readonly block: Block } | null = null;

  /** Forgets everything about other heights. */
  moveTo(height: bigint): void {
    if (height === this.#height) return;
    this.forgetAll();
    this.#height = height;
  }

  /** Notes that a peer is asked; false when its answer is known and did not help. */
  ask(address: AddressHex, nowMs: number): boolean {
    if (this.#answer?.address === address) this.#exhausted.add(address);
    if (this.#exhausted.has(address)) return false;
    this.#open = { address, sentMs: nowMs };
    this.#answer = null;
    return true;
  }

  /** Whether an answer is still to come. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Takes a block if it is the answer. */
  received(address: AddressHex, block: Block): boolean {
    if (this.#open?.address !== address || block.header?.height !== this.#height) return false;
    this.#open = null;
    this.#answer = { address, block };
    return true;
  }

  /** What a peer answered; null when it did not. */
  answerOf(address: AddressHex): Block | null {
    return this.#answer?.address === address ? this.#answer.block : null;
  }

  /** Ends what goes on with a peer. */
  forgetPeer(address: AddressHex): void {
    if (this.#open?.address === address) this.#open = null;
    if (this.#answer?.address === address) this.#answer = null;
  }

  /** The peer that left the question unanswered since a time or longer; the question is over. */
  expire(sinceMs: number): AddressHex | null {
    if (this.#open === null || this.#open.sentMs > sinceMs) return null;
    const { address } = this.#open;
    this.#open = null;
    return address;
  }

  /** Ends what goes on; whose answer did not help stays known. */
  end(): void {
    this.#open = null;
    this.#answer = null;
  }

  /** Starts afresh. */
  forgetAll(): void {
    this.end();
    this.#exhausted.clear();
  }
}
