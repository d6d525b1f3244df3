import type { ConsensusConfiguration, ProposalWithProof } from "../../../proto/gen/common.ts";
import { type Bytes, concatBytes, equalBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { ConsensusPort } from "../ports.ts";

/** Who decides; a change counts for the blocks after a height (spec/consensus.md, 5.2). */
interface Authorities {
  readonly current: readonly Bytes[];
  /** Empty until the validators change for the first time. */
  readonly previous: readonly Bytes[];
  readonly changedAt: bigint;
}

const NO_AUTHORITIES: Authorities = { current: [], previous: [], changedAt: 0n };

/**
 * A consensus whose proof of a block is a hash of the proposal and of all who decided it, and maybe
 * a byte for the round. As the real one it knows two lists of validators, and none until it is told.
 */
export class FakeConsensus implements ConsensusPort {
  readonly #hash: HashFunction;
  #authorities = NO_AUTHORITIES;
  /** What it was told by Reconfigure, in order. */
  readonly configurations: ConsensusConfiguration[] = [];
  /** Takes any proof while true, as raft does. */
  provesAll = false;
  /** How often it was asked for its opinion of a proof. */
  checkCount = 0;
  /** Answers 200 while true. */
  isAway = false;

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  reconfigure(config: ConsensusConfiguration): Promise<StatusCode> {
    if (this.isAway) return Promise.resolve(StatusCode.ConsensusServerNotReady);
    this.configurations.push(config);
    this.follow(config);
    return Promise.resolve(StatusCode.Success);
  }

  /** Takes over the configuration with which the controller answered a commit. */
  follow({ height, validators }: ConsensusConfiguration): void {
    const { current } = this.#authorities;
    if (equalBytes(concatBytes(...current), concatBytes(...validators))) return;
    this.#authorities = { current: validators, previous: current, changedAt: height };
  }

  /** It was restarted, and its files are lost. */
  forget(): void {
    this.#authorities = NO_AUTHORITIES;
  }

  checkBlock({ proposal, proof }: ProposalWithProof): Promise<StatusCode> {
    if (this.isAway) return Promise.resolve(StatusCode.ConsensusServerNotReady);
    this.checkCount++;
    if (this.provesAll) return Promise.resolve(StatusCode.Success);
    if (proposal === undefined || proof.length > 33) return REFUSED;
    const validators = this.#signersAt(proposal.height);
    const expected = fakeProof(this.#hash, { data: proposal.data, validators });
    const isProof = validators.length > 0 && equalBytes(proof.subarray(0, 32), expected);
    return isProof ? Promise.resolve(StatusCode.Success) : REFUSED;
  }

  #signersAt(height: bigint): readonly Bytes[] {
    const { current, previous, changedAt } = this.#authorities;
    return previous.length > 0 && height <= changedAt ? previous : current;
  }
}

const REFUSED = Promise.resolve(StatusCode.ProposalCheckError);

/** What {@linkcode FakeConsensus} takes for the proof of a proposal that these validators decided. */
export function fakeProof(
  hash: HashFunction,
  { data, validators }: { readonly data: Bytes; readonly validators: readonly Bytes[] },
): Bytes {
  return hash(concatBytes(...validators, data));
}
