import assert from "node:assert/strict";
import { concatBytes, EMPTY_BYTES, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { loadSuite } from "../../../../shared/crypto/mod.ts";
import { forge, voteFor } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress } from "../../testing/fake_crypto.ts";
import { recordedBlocks } from "../../testing/recorded_chain.ts";
import { suiteCrypto } from "../suite_crypto.ts";
import { hashHex, voterOf } from "./crypto.ts";
import { decodeLeaderVote, encodeLeaderVote, Step } from "./messages.ts";
import { checkBlock, verifyLockProof } from "./proof.ts";
import { toWireVoteSet } from "./vote_set.ts";

Deno.test("checkBlock() accepts every recorded proof, which is encoded canonically", async () => {
  const crypto = suiteCrypto(await loadSuite("sm"));
  const blocks = recordedBlocks();
  assert.equal(blocks.length, 41);
  for (const { proposal, proof } of blocks) {
    const leaderVote = decodeLeaderVote(proof);
    assert(leaderVote !== null && proposal !== undefined);
    assert.equal(toHex(encodeLeaderVote(leaderVote)), toHex(proof));
    assert.equal(leaderVote.hash, hashHex(crypto, proposal.data));
    const [vote] = leaderVote.votes;
    assert(vote !== undefined);
    const current = [voterOf(crypto, vote) ?? ""];
    assert.deepEqual(current, ["72b8d37d45814ac07a6d2a7063356798b9d1b6b5"]);
    const authorities = { current, previous: [], changedAt: 0n };
    assert.equal(checkBlock({ proposal, proof }, { authorities, crypto }), 0);
  }
});

const DATA = fromHex("c0ffee");
const HASH = hashHex(FAKE_CRYPTO, DATA);
const AT = { height: 9n, round: 2n };
const PRECOMMIT = voteFor(Step.Precommit, AT, HASH);
const OTHER = "22".repeat(32);
const ALL = [0, 1, 2, 3].map(fakeAddress);

function judge(proof: Uint8Array, options: { data?: Uint8Array; previous?: string[] } = {}) {
  const { data = DATA, previous = [] } = options;
  const authorities = { current: ALL, previous, changedAt: 9n };
  const proposal = { height: 9n, data };
  return checkBlock({ proposal, proof }, { authorities, crypto: FAKE_CRYPTO });
}

Deno.test("checkBlock() wants a quorum of precommits of different validators", () => {
  assert.equal(judge(forge.quorum([0, 1, 2], PRECOMMIT)), 0);
  assert.equal(judge(forge.quorum([0, 1, 2, 3], PRECOMMIT)), 0);
  const wrong: Record<string, Uint8Array> = {
    "one of four": forge.quorum([0], PRECOMMIT),
    "two of four": forge.quorum([0, 1], PRECOMMIT),
    "a repeated signer": forge.quorum([0, 1, 1], PRECOMMIT),
    "a stranger": forge.quorum([0, 1, 5], PRECOMMIT),
    "prevotes": forge.quorum([0, 1, 2], { ...PRECOMMIT, step: Step.Prevote }),
    "another height": forge.quorum([0, 1, 2], { ...PRECOMMIT, height: 8n }),
    "another block": forge.quorum([0, 1, 2], { ...PRECOMMIT, hash: OTHER }),
    "nothing": EMPTY_BYTES,
    "bytes behind it": concatBytes(forge.quorum([0, 1, 2], PRECOMMIT), Uint8Array.of(0)),
    "mixed rounds": forge.leaderVote({
      ...PRECOMMIT,
      votes: [0, 1, 2].map((index) => forge.vote(index, { ...PRECOMMIT, round: BigInt(index) })),
    }),
    "mixed steps": forge.leaderVote({
      ...PRECOMMIT,
      votes: [3, 4, 4].map((step, index) =>
        forge.vote(index, { ...PRECOMMIT, step: step === 3 ? Step.Prevote : Step.Precommit })
      ),
    }),
    "another order": forge.leaderVote({
      ...PRECOMMIT,
      votes: [2, 1, 0].map((index) => forge.vote(index, PRECOMMIT)),
    }),
    "no hash": forge.leaderVote({ ...PRECOMMIT, hash: null, votes: [] }),
  };
  for (const [name, proof] of Object.entries(wrong)) assert.equal(judge(proof), 130, name);
  const upper = forge.quorum([0, 1, 2], PRECOMMIT);
  const digit = upper.findIndex((byte) => byte >= 0x61 && byte <= 0x66);
  upper[digit] = (upper[digit] ?? 0) - 0x20;
  assert.equal(judge(upper), 130, "upper-case hex");
  assert.equal(judge(forge.quorum([0, 1, 2], PRECOMMIT), { data: fromHex("00") }), 130);
});

Deno.test("checkBlock() without a proposal or validators refuses", () => {
  const proof = forge.quorum([0], PRECOMMIT);
  const authorities = { current: [], previous: [], changedAt: 0n };
  const rules = { authorities, crypto: FAKE_CRYPTO };
  const proposal = { height: 9n, data: DATA };
  assert.equal(checkBlock({ proposal, proof }, rules), 130);
  assert.equal(checkBlock({ proposal: undefined, proof }, rules), 130);
});

Deno.test("checkBlock() takes the list of the block's time, and only that", () => {
  const previous = [4, 5, 6].map(fakeAddress);
  assert.equal(judge(forge.quorum([4, 5, 6], PRECOMMIT), { previous }), 0);
  assert.equal(judge(forge.quorum([0, 1, 2], PRECOMMIT), { previous }), 130);
  assert.equal(judge(forge.quorum([0, 4, 5], PRECOMMIT), { previous }), 130);
});

Deno.test("verifyLockProof() wants a quorum of prevotes of an earlier round of this height", () => {
  const rules = { validators: ALL, crypto: FAKE_CRYPTO };
  const prevote = voteFor(Step.Prevote, { height: 9n, round: 1n }, HASH);
  const verify = (
    from: number[],
    change: Partial<typeof prevote> = {},
    lockRound: bigint | null = 1n,
  ) => {
    const lockVotes = toWireVoteSet(HASH, forge.votes(from, { ...prevote, ...change }));
    return verifyLockProof({ ...AT, proposed: { hash: HASH, lockRound, lockVotes } }, rules);
  };
  assert.equal(verify([0, 1, 2]), true);
  assert.equal(verify([0, 1]), null, "two of four");
  assert.equal(verify([0, 1, 2], { height: 8n }), null, "another height");
  assert.equal(verify([0, 1, 2], { step: Step.NewView }), null, "another step");
  assert.equal(verify([0, 1, 2], { round: 2n }, 2n), null, "not an earlier round");
  assert.equal(verify([0, 1, 2], {}, null), null, "one field missing");
  const lockless = { hash: HASH, lockRound: 1n, lockVotes: null };
  assert.equal(verifyLockProof({ ...AT, proposed: lockless }, rules), null, "the other missing");
  const free = { ...lockless, lockRound: null };
  assert.equal(verifyLockProof({ ...AT, proposed: free }, rules), false, "no lock at all");
});
