import type { Block } from "../../../proto/gen/blockchain.ts";
import { type Bytes, equalBytes, toHex } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";

/** The newest committed block, and what the next proposal has to refer to. */
export interface Tip {
  readonly height: bigint;
  readonly hash: Bytes;
  readonly timestampMs: bigint;
  /** What executing the block gave. */
  readonly stateRoot: Bytes;
  /** The consensus proof stored with the block; empty for genesis and for raft. */
  readonly proof: Bytes;
}

/** The committed tip and the proposals seen for the next height (spec/controller.md, 6). */
export class ChainState {
  #tip: Tip;
  readonly #candidates = new Set<string>();
  /** Proposals that are being checked. */
  readonly #checking = new Set<string>();
  #ownProposal: string | null = null;
  /** Another proof of the tip than the stored one that was found to be good. */
  #otherProof: Bytes | null = null;

  constructor(tip: Tip) {
    this.#tip = tip;
  }

  get tip(): Tip {
    return this.#tip;
  }

  /** Whether consensus is deciding on a proposal for the next height. */
  get hasCandidates(): boolean {
    return this.#candidates.size > 0 || this.#checking.size > 0;
  }

  /** 129 for a height that is committed, 128 for one that is not next. */
  checkHeight(height: bigint): StatusCode {
    if (height <= this.#tip.height) return StatusCode.ProposalTooLow;
    if (height > this.#tip.height + 1n) return StatusCode.ProposalTooHigh;
    return StatusCode.Success;
  }

  /** Whether the block that a header names as its parent is the tip. */
  isOnTip({ header }: Block): boolean {
    return header !== undefined && equalBytes(header.prevhash, this.#tip.hash);
  }

  /** Whether a proof of the tip is the stored one or one that was found to be as good. */
  isProofOfTip(proof: Bytes): boolean {
    if (equalBytes(proof, this.#tip.proof)) return true;
    return this.#otherProof !== null && equalBytes(proof, this.#otherProof);
  }

  /** Remembers a good proof, unless the tip has moved on from the one that it proves. */
  acceptProof(tip: Tip, proof: Bytes): void {
    if (tip === this.#tip) this.#otherProof = proof;
  }

  /** Takes note that another proof of the tip was stored. */
  replaceProof(proof: Bytes): void {
    this.#tip = { ...this.#tip, proof };
  }

  /** Remembers the proposal that this node made; it replaces an earlier own one. */
  addOwnProposal(hash: Bytes): void {
    this.#ownProposal = toHex(hash);
    this.#candidates.add(this.#ownProposal);
  }

  isOwnProposal(hash: Bytes): boolean {
    return this.#ownProposal === toHex(hash);
  }

  /** Notes that a proposal is being checked. */
  beginCheck(hash: Bytes): void {
    this.#checking.add(toHex(hash));
  }

  /** Notes the end of a check; a proposal for the next height that passed is a candidate. */
  endCheck(hash: Bytes, { isAccepted, height }: {
    readonly isAccepted: boolean;
    readonly height: bigint;
  }): void {
    this.#checking.delete(toHex(hash));
    if (isAccepted && height === this.#tip.height + 1n) this.#candidates.add(toHex(hash));
  }

  isCandidate(hash: Bytes): boolean {
    return this.#candidates.has(toHex(hash));
  }

  /** Forgets all proposals for the next height, so that the node may sync. */
  clearProposals(): void {
    this.#candidates.clear();
    this.#ownProposal = null;
  }

  /** Moves on to a stored block. */
  advance(tip: Tip): void {
    this.#tip = tip;
    this.#otherProof = null;
    this.clearProposals();
  }
}
