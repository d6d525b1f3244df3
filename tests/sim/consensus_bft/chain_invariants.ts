import assert from "node:assert/strict";
import { type Bytes, equalBytes, toHex } from "../../../shared/bytes/mod.ts";
import type { AddressHex } from "../../../services/consensus/bft/core/bincode.ts";
import { hashHex, voterOf } from "../../../services/consensus/bft/core/crypto.ts";
import {
  decodeLeaderVote,
  encodeLeaderVote,
  isNil,
  type LeaderVote,
  Step,
} from "../../../services/consensus/bft/core/messages.ts";
import { FAKE_CRYPTO } from "../../../services/consensus/testing/fake_crypto.ts";
import type { ModelController, StoredBlock } from "./model_controller.ts";

/** Who may sign what. */
export interface ChainRules {
  /** The validators of a height, in their order. */
  validatorsAt(height: bigint): readonly AddressHex[];
  /** Whether one keeps to the rules. */
  isHonest(address: AddressHex): boolean;
}

/**
 * Watches everything that honest nodes store, and throws at the first thing that must not be. What
 * a proof is, is said here once more, so that a mistake of the product is noticed.
 */
export class ChainInvariants {
  /** Hashes of the valid blocks that controllers made. */
  readonly #made = new Set<string>();
  readonly #blocks = new Map<bigint, string>();
  /** Proofs that were found valid. */
  readonly #proofs = new Set<string>();
  /** The only proof that an honest leader shows of its height and round. */
  readonly #shown = new Map<string, string>();

  constructor(readonly rules: ChainRules) {}

  /** A controller made a block that follows those that it has. */
  onMade(data: Bytes): void {
    this.#made.add(hashHex(FAKE_CRYPTO, data));
  }

  /** An honest node said that a block is decided. */
  onShown(body: Bytes): void {
    const leaderVote = decodeLeaderVote(body);
    assert(leaderVote !== null);
    if (!isNil(leaderVote.hash)) this.#checkFrozen(leaderVote, toHex(body));
  }

  /** A node stored a block: it is valid and proven, and every node has the same at this height. */
  onStored(node: number, height: bigint, { data, proof }: StoredBlock): void {
    const hash = hashHex(FAKE_CRYPTO, data);
    const first = this.#blocks.get(height);
    if (first === undefined) this.#blocks.set(height, hash);
    else assert.equal(hash, first, `Node ${node} decided another block at height ${height}`);
    assert(this.#made.has(hash), `Node ${node} stored a block at ${height} that nobody made`);
    this.#checkProof(height, hash, proof);
  }

  /** Every stored proof holds; those that the chain has decided upon are equal, byte for byte. */
  checkChains(controllers: readonly ModelController[]): void {
    const longest = controllers.reduce((a, b) => a.height >= b.height ? a : b);
    for (const [node, { blocks }] of controllers.entries()) {
      for (const [index, { data, proof }] of blocks.entries()) {
        this.#checkProof(BigInt(index + 1), hashHex(FAKE_CRYPTO, data), proof);
        if (index === blocks.length - 1) continue;
        const wanted = longest.blocks[index]?.proof;
        assert(wanted !== undefined);
        assert(equalBytes(proof, wanted), `Proof ${index + 1} of node ${node} is another one`);
      }
    }
  }

  /** Precommits of a quorum of the validators of that height for the block, each once. */
  #checkProof(height: bigint, hash: string, proof: Bytes): void {
    const text = toHex(proof);
    if (this.#proofs.has(text)) return;
    const leaderVote = decodeLeaderVote(proof);
    const say = (what: string) => `The proof of height ${height} ${what}`;
    assert(leaderVote !== null, say("cannot be read"));
    const { round, votes } = leaderVote;
    const wanted = { height, round, step: Step.Precommit, hash };
    assert.deepEqual(leaderVote, { ...wanted, votes }, say("is for something else"));
    const validators = this.rules.validatorsAt(height);
    const signers = new Set<AddressHex>();
    for (const signed of votes) {
      assert.deepEqual(signed.vote, wanted, say("has a vote for something else"));
      const voter = voterOf(FAKE_CRYPTO, signed);
      assert(voter !== null && validators.includes(voter), say("has a vote of no validator"));
      signers.add(voter);
    }
    assert.equal(signers.size, votes.length, say("has two votes of one validator"));
    assert(3 * signers.size > 2 * validators.length, say("has too few votes"));
    assert.equal(toHex(encodeLeaderVote(leaderVote)), text, say("has another encoding"));
    this.#checkFrozen(leaderVote, text);
    this.#proofs.add(text);
  }

  /** Only the leader of a round collects its votes, so nobody can have others than it showed. */
  #checkFrozen({ height, round }: LeaderVote, text: string): void {
    const validators = this.rules.validatorsAt(height);
    const leader = validators[Number((height + round) % BigInt(validators.length))];
    if (leader === undefined || !this.rules.isHonest(leader)) return;
    const key = `${height}/${round}`;
    const first = this.#shown.get(key);
    if (first === undefined) this.#shown.set(key, text);
    else assert.equal(text, first, `Two proofs of height ${height} of round ${round}`);
  }
}
