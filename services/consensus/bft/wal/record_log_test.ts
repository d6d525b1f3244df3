import assert from "node:assert/strict";
import { concatBytes, toHex } from "../../../../shared/bytes/mod.ts";
import { loadSuite } from "../../../../shared/crypto/mod.ts";
import { RecordType } from "../core/interface.ts";
import {
  decodeLeaderVote,
  decodeProposal,
  encodeLeaderVote,
  encodeProposal,
  Step,
} from "../core/messages.ts";
import { ownVoteRecord } from "../core/records.ts";
import { hashHex, voterOf } from "../core/crypto.ts";
import { suiteCrypto } from "../suite_crypto.ts";
import { encodeRecords, readLog } from "./record_log.ts";

const FOLDER = new URL("../../../../tests/vectors/consensus_bft/", import.meta.url);

function recordedLog(height: number): Uint8Array {
  return Deno.readFileSync(new URL(`wal_${height}.log`, FOLDER));
}

for (const [height, round, count] of [[45n, 1n, 4], [49n, 1n, 5]] as const) {
  Deno.test(`readLog() reads the recorded log of height ${height}, all of it decodes`, async () => {
    const bytes = recordedLog(Number(height));
    const { records, isDamaged, goodSize } = readLog(bytes);
    assert.equal(records.length, count);
    assert.equal(isDamaged, false);
    assert.equal(goodSize, bytes.length);
    assert.equal(toHex(encodeRecords(records)), toHex(bytes));
    const crypto = suiteCrypto(await loadSuite("sm"));
    const [first, ...quorums] = records;
    assert(first !== undefined && first.type === RecordType.Propose);
    const proposal = decodeProposal(first.body);
    assert(proposal !== null);
    assert.equal(proposal.height, height);
    assert.equal(hashHex(crypto, proposal.raw), proposal.proposed.hash);
    assert.equal(toHex(encodeProposal(proposal)), toHex(first.body));
    for (const { type, body } of quorums) {
      assert.equal(type, RecordType.QuorumVotes);
      const leaderVote = decodeLeaderVote(body);
      assert(leaderVote !== null);
      assert.equal(toHex(encodeLeaderVote(leaderVote)), toHex(body));
      assert.equal(leaderVote.round, round);
      assert(leaderVote.step === Step.Prevote || leaderVote.step === Step.Precommit);
      const voters = leaderVote.votes.map((vote) => voterOf(crypto, vote));
      assert.equal(new Set(voters).size, 3);
      assert.deepEqual(voters, voters.toSorted(), "by ascending address");
    }
  });
}

const VOTES = [1, 2, 3].map((round) =>
  ownVoteRecord({
    vote: { height: 9n, round: BigInt(round), step: Step.Prevote, hash: "22".repeat(32) },
    signature: new Uint8Array(65).fill(round),
  })
);

Deno.test("readLog() takes an end that was cut off at any byte for a torn append", () => {
  const whole = encodeRecords(VOTES.slice(0, 2));
  const last = encodeRecords(VOTES.slice(2));
  for (let size = 0; size < last.length; size++) {
    const content = readLog(concatBytes(whole, last.subarray(0, size)));
    assert.equal(content.isDamaged, false, `${size} bytes`);
    assert.equal(content.records.length, 2);
    assert.equal(content.goodSize, whole.length);
  }
});

Deno.test("readLog() notices every changed bit of every own vote, or still reads it", () => {
  const bytes = encodeRecords(VOTES);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const { records, isDamaged } = readLog(changed);
    // a changed type is noticed by whoever reads the body, which repeats it
    const isRetyped = records.some(({ type, body }) => type !== body[0]);
    assert(isDamaged || isRetyped, `bit ${bit}`);
    assert(records.length >= 2, `bit ${bit}`);
  }
});

Deno.test("readLog() takes space that was never filled for a torn append", () => {
  const bytes = concatBytes(encodeRecords(VOTES), new Uint8Array(500));
  const { records, isDamaged } = readLog(bytes);
  assert.equal(records.length, 3);
  assert.equal(isDamaged, false);
});
