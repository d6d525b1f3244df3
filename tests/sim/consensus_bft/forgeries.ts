/**
 * What somebody with a validator's key can make up, and what no honest node may take for true.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import type { AddressHex, HashHex } from "../../../services/consensus/bft/core/bincode.ts";
import { hashHex } from "../../../services/consensus/bft/core/crypto.ts";
import {
  decodeLeaderVote,
  decodeSignedProposal,
  encodeLeaderVote,
  encodeProposal,
  encodeSignedProposal,
  encodeVote,
  type Proposal,
  type SignedVote,
  Step,
  type Vote,
} from "../../../services/consensus/bft/core/messages.ts";
import type { At } from "../../../services/consensus/bft/core/proposal_book.ts";
import { toWireVoteSet } from "../../../services/consensus/bft/core/vote_set.ts";
import { FAKE_CRYPTO, type FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import { blockAfter, type ModelController, type StoredBlock } from "./model_controller.ts";

/** Makes things up in the name of a validator. */
export class Forger {
  readonly #own: AddressHex;
  readonly #signer: FakeSigner;
  #serial = 0;

  constructor(own: AddressHex, signer: FakeSigner) {
    this.#own = own;
    this.#signer = signer;
  }

  /** A block that nobody decided, proven by own precommits alone, of which one may do for many. */
  unproven(victim: ModelController, voteCount: number): StoredBlock {
    const data = this.#inventData(victim);
    const height = victim.height + 1n;
    const vote = { height, round: 0n, step: Step.Precommit, hash: hashHex(FAKE_CRYPTO, data) };
    const votes = Array.from({ length: voteCount }, () => this.#signed(vote));
    return { data, proof: encodeLeaderVote({ ...vote, votes }) };
  }

  /** A block that nobody decided, with the proof of another one. */
  withProofOf({ proof }: StoredBlock, victim: ModelController): StoredBlock {
    return { data: this.#inventData(victim), proof };
  }

  /** A proposal with other data than its hash says. */
  withOtherData(body: Bytes): Bytes {
    return this.#changed(body, (proposal) => ({
      ...proposal,
      raw: concatBytes(proposal.raw, Uint8Array.of(0x20)),
    }));
  }

  /** A proposal for an own round that claims a quorum of prevotes before, of an own one alone. */
  withFakeLock(body: Bytes, { height, round }: At): Bytes {
    return this.#changed(body, ({ proposed: { hash }, raw }) => {
      const lockRound = round - 1n;
      const prevote = this.#signed({ height, round: lockRound, step: Step.Prevote, hash });
      const lockVotes = toWireVoteSet(hash, [[this.#own, prevote]]);
      return { height, round, proposed: { hash, lockRound, lockVotes }, raw };
    });
  }

  #inventData(victim: ModelController): Bytes {
    return blockAfter(victim.blocks, { proposer: INVENTOR, serial: this.#serial++ });
  }

  #changed(body: Bytes, change: (proposal: Proposal) => Proposal): Bytes {
    const signed = decodeSignedProposal(body);
    if (signed === null) return body;
    const proposal = change(signed.proposal);
    const signature = this.#signer.sign(this.#own, FAKE_CRYPTO.hash(encodeProposal(proposal)));
    return encodeSignedProposal({ ...signed, proposal, signature });
  }

  #signed(vote: Vote): SignedVote {
    return { vote, signature: this.#signer.sign(this.#own, FAKE_CRYPTO.hash(encodeVote(vote))) };
  }
}

/** Number of a proposer that is no node. */
const INVENTOR = -1;

/** A block with a proof that is the same for whoever does not look at every byte. */
export function withTrailingByte({ data, proof }: StoredBlock): StoredBlock {
  return { data, proof: concatBytes(proof, Uint8Array.of(0)) };
}

/** A block of which only prevotes are known, with those for a proof. */
export function fromPrevotes(
  proposals: readonly Bytes[],
  leaderVotes: readonly Bytes[],
): StoredBlock | null {
  const dataByHash = new Map<HashHex, Bytes>();
  for (const body of proposals) {
    const proposal = decodeSignedProposal(body)?.proposal;
    if (proposal !== undefined) dataByHash.set(proposal.proposed.hash, proposal.raw);
  }
  for (const proof of leaderVotes) {
    const data = dataByHash.get(decodeLeaderVote(proof)?.hash ?? "");
    if (data !== undefined) return { data, proof };
  }
  return null;
}
