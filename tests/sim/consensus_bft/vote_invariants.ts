import assert from "node:assert/strict";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import type { AddressHex } from "../../../services/consensus/bft/core/bincode.ts";
import { voterOf } from "../../../services/consensus/bft/core/crypto.ts";
import {
  decodeLeaderVote,
  decodeSignedProposal,
  decodeSignedVote,
  MessageType,
  type SignedVote,
  Step,
  stepName,
} from "../../../services/consensus/bft/core/messages.ts";
import { FAKE_CRYPTO } from "../../../services/consensus/testing/fake_crypto.ts";

/** Watches everything that honest nodes send, and throws when one votes or proposes twice. */
export class VoteInvariants {
  readonly #votes = new Map<string, string>();
  readonly #proposals = new Map<string, string>();
  readonly #honest: ReadonlySet<AddressHex>;

  /** The validators that keep to the rules. */
  constructor(honest: Iterable<AddressHex>) {
    this.#honest = new Set(honest);
  }

  /** A message left an honest node: no honest validator ever signs two votes for one height, round and step. */
  onSent(type: string, body: Bytes): void {
    switch (type) {
      case MessageType.Proposal:
        return this.#onProposal(body);
      case MessageType.Prevote:
      case MessageType.Precommit: {
        const signed = decodeSignedVote(body);
        assert(signed !== null);
        return this.#onVote(signed);
      }
      case MessageType.LeaderPrevote:
      case MessageType.LeaderPrecommit:
        for (const signed of decodeLeaderVote(body)?.votes ?? []) this.#onVote(signed);
    }
  }

  #onVote(signed: SignedVote): void {
    const { height, round, step, hash } = signed.vote;
    if (step !== Step.Prevote && step !== Step.Precommit) return;
    const voter = voterOf(FAKE_CRYPTO, signed);
    if (voter === null || !this.#honest.has(voter)) return;
    const key = `${voter} ${stepName(step)} ${height}/${round}`;
    this.#expectSame(this.#votes, key, `${hash} signed ${toHex(signed.signature).slice(0, 16)}`);
  }

  #onProposal(body: Bytes): void {
    const signed = decodeSignedProposal(body);
    assert(signed !== null);
    const { proposal: { height, round, proposed }, sender } = signed;
    this.#expectSame(this.#proposals, `${sender} proposal ${height}/${round}`, proposed.hash);
  }

  #expectSame(known: Map<string, string>, key: string, value: string): void {
    const first = known.get(key);
    if (first === undefined) known.set(key, value);
    else assert.equal(value, first, `Two different ones: ${key}`);
  }
}
