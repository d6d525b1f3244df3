import assert from "node:assert/strict";
import type { CoreCrypto } from "../../services/consensus/bft/core/crypto.ts";
import { bootstrapState } from "../../services/consensus/raft/core/interface.ts";
import { FAKE_CRYPTO } from "../../services/consensus/testing/fake_crypto.ts";
import { CoreGroup, DEFAULT_TICKS } from "../../services/consensus/testing/raft_runner.ts";
import { fakeValidators } from "./quiet/fake_validators.ts";
import { QuietNet } from "./quiet/quiet_bft.ts";

const BLOCKS = 10;

/** What a block costs a quiet chain of so many validators. */
function costOfBlock(size: number) {
  let checkCount = 0;
  const crypto: CoreCrypto = {
    hash: FAKE_CRYPTO.hash,
    recover(hash, signature) {
      checkCount++;
      return FAKE_CRYPTO.recover(hash, signature);
    },
  };
  const net = new QuietNet({ validators: fakeValidators(size), crypto, blockSize: 100 });
  net.runTo(BigInt(size));
  net.deliveries.length = 0;
  checkCount = 0;
  net.runTo(BigInt(size + BLOCKS));
  const { deliveries, proofSize } = net;
  return { messages: deliveries.length / BLOCKS, checks: checkCount / BLOCKS, proofSize };
}

for (const size of [4, 7, 13, 22, 31]) {
  Deno.test(`a block of ${size} validators costs five messages for each follower`, () => {
    const { messages, checks, proofSize } = costOfBlock(size);
    const followers = size - 1;
    assert.equal(messages, 5 * followers);
    // the leader checks every prevote and precommits until they decide, with its own; the others
    // check the proposal and two quorums; nobody checks anything twice, but what its kms signed
    const quorum = Math.floor((2 * size) / 3) + 1;
    const ofOthers = followers + (quorum - 1) + followers * (1 + 2 * quorum);
    assert.equal(checks, ofOthers + 2 * size + 1);
    assert(proofSize < 200 * size, `${proofSize} bytes`);
  });
}

for (const size of [3, 5, 7]) {
  Deno.test(`a block of ${size} raft nodes costs six messages for each follower`, () => {
    const ids = Array.from({ length: size }, (_, index) => BigInt(index + 1));
    const group = new CoreGroup(new Map(ids.map((id) => [id, bootstrapState(ids)])));
    group.elect(1n);
    group.sent.length = 0;
    for (let block = 1; block <= BLOCKS; block++) {
      group.core(1n).propose(Uint8Array.of(block));
      group.settle();
      for (const id of ids) group.tick(id, DEFAULT_TICKS.heartbeatTicks);
    }
    // the entry, its commit, a heartbeat, and an answer to each
    assert.equal(group.sent.length / BLOCKS, 6 * (size - 1));
  });
}
