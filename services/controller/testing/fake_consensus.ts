import type { ConsensusConfiguration, ProposalWithProof } from "../../../proto/gen/common.ts";
import { equalBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { ConsensusPort } from "../ports.ts";

/** A consensus whose proof of a block is the hash of the proposal, and maybe a byte for the round. */
export class FakeConsensus implements ConsensusPort {
  readonly #hash: HashFunction;
  /** What it was told, in order. */
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
    return Promise.resolve(StatusCode.Success);
  }

  checkBlock({ proposal, proof }: ProposalWithProof): Promise<StatusCode> {
    if (this.isAway) return Promise.resolve(StatusCode.ConsensusServerNotReady);
    this.checkCount++;
    const hash = proof.subarray(0, 32);
    const isProof = this.provesAll || (proposal !== undefined && proof.length <= 33 &&
      equalBytes(this.#hash(proposal.data), hash));
    return Promise.resolve(isProof ? StatusCode.Success : StatusCode.ProposalCheckError);
  }
}
