import type { ConsensusConfiguration, ProposalWithProof } from "../../../proto/gen/common.ts";
import { equalBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { ConsensusPort } from "../ports.ts";

/** A consensus whose proof of a block is the hash of the proposal. */
export class FakeConsensus implements ConsensusPort {
  readonly #hash: HashFunction;
  /** What it was told, in order. */
  readonly configurations: ConsensusConfiguration[] = [];
  /** Takes any proof while true, as raft does. */
  provesAll = false;
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
    const isProof = this.provesAll ||
      (proposal !== undefined && equalBytes(this.#hash(proposal.data), proof));
    return Promise.resolve(isProof ? StatusCode.Success : StatusCode.ProposalCheckError);
  }
}
