import assert from "node:assert/strict";
import {
  type Bytes,
  concatBytes,
  EMPTY_BYTES,
  fromHex,
  toHex,
} from "../../../../shared/bytes/mod.ts";
import { CoreFixture, forge, voteFor } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO } from "../../testing/fake_crypto.ts";
import { encodeRecords, readLog } from "../wal/record_log.ts";
import { hashHex } from "./crypto.ts";
import { RecordType, type WalContent } from "./interface.ts";
import {
  decodeSignedProposal,
  decodeSignedVote,
  encodeSignedProposal,
  MessageType,
  Step,
} from "./messages.ts";
import { approvedRecord, ownProposalRecord } from "./records.ts";

const HEIGHT = 4n;
const AT = { height: HEIGHT, round: 0n };
const X = { raw: fromHex("aa01"), hash: hashHex(FAKE_CRYPTO, fromHex("aa01")) };
const Y = { raw: fromHex("bb02"), hash: hashHex(FAKE_CRYPTO, fromHex("bb02")) };
const PREVOTES = forge.quorum([0, 1, 2], voteFor(Step.Prevote, AT, X.hash));
const PRECOMMITS = forge.quorum([0, 1, 2], voteFor(Step.Precommit, AT, X.hash));

function start(own: number, content: WalContent | null = null): CoreFixture {
  const contentByHeight = content === null ? new Map() : new Map([[HEIGHT, content]]);
  const fixture = new CoreFixture({ own, validatorCount: 4, height: HEIGHT, contentByHeight });
  fixture.reconfigure(HEIGHT - 1n);
  return fixture;
}

/** What a follower wrote, and the messages that it sent, up to its precommit for X. */
function voted(steps: 1 | 2 | 3): CoreFixture {
  const fixture = start(3);
  fixture.approvedProposal(0, AT, X);
  if (steps > 1) fixture.message(MessageType.LeaderPrevote, PREVOTES);
  if (steps > 2) fixture.message(MessageType.LeaderPrecommit, PRECOMMITS);
  return fixture;
}

Deno.test("a restarted follower sends the same votes again, byte for byte (S7)", () => {
  const before = voted(2);
  const after = start(3, before.written);
  for (const type of [MessageType.Prevote, MessageType.Precommit]) {
    assert.deepEqual(after.sent(type).map(toHex), before.sent(type).map(toHex), type);
  }
  assert.equal(after.core.view.lock?.hash, X.hash);
});

Deno.test("a restarted follower does not prevote another block in the same round (S7)", () => {
  const after = start(3, voted(1).written);
  after.approvedProposal(0, AT, Y);
  const hashes = after.sent(MessageType.Prevote).map((body) => decodeSignedVote(body)?.vote.hash);
  assert(hashes.every((hash) => hash === X.hash));
});

Deno.test("a restarted follower has no lock without a precommit, whatever it prevoted", () => {
  const after = start(3, voted(1).written);
  assert.equal(after.core.view.lock, null);
  assert.deepEqual(after.sent(MessageType.Precommit), []);
});

Deno.test("a restarted leader sends the same proposal again (S7)", () => {
  const before = start(0);
  before.input({ kind: "proposal", proposal: { height: HEIGHT, data: X.raw }, reason: "" });
  const after = start(0, before.written);
  assert.deepEqual(
    after.sent(MessageType.Proposal).map(toHex),
    before.sent(MessageType.Proposal).map(toHex),
  );
  assert.deepEqual(after.of("getProposal"), []);
});

Deno.test("a recovered proof is shown to others, then committed with the same bytes (S7)", () => {
  const after = start(3, voted(3).written);
  assert.deepEqual(after.sent(MessageType.LeaderPrecommit).map(toHex), [toHex(PRECOMMITS)]);
  assert.equal(after.sent(MessageType.NewView).length, 1, "asks for the proof of others");
  assert.deepEqual(after.of("commit"), []);
  after.timeout();
  assert.deepEqual(after.of("commit").map(({ proof }) => toHex(proof)), [toHex(PRECOMMITS)]);
});

Deno.test("a restarted validator tells the proof that it had published to who missed it", () => {
  const contentByHeight = new Map([[HEIGHT, voted(3).written]]);
  const after = new CoreFixture({ own: 3, validatorCount: 4, contentByHeight });
  after.reconfigure(HEIGHT);
  assert.equal(after.core.view.height, HEIGHT + 1n);
  after.message(MessageType.NewView, forge.voteBody(1, { ...AT, step: Step.NewView, hash: null }));
  assert.deepEqual(after.of("send").map(({ body }) => toHex(body)), [toHex(PRECOMMITS)]);
});

Deno.test("a recovered proof gives way to the one that others have stored", () => {
  const round = 1n;
  const later = forge.quorum([0, 1, 2], voteFor(Step.Precommit, { ...AT, round }, X.hash));
  const after = start(3, voted(3).written);
  after.message(MessageType.LeaderPrecommit, later);
  assert.deepEqual(after.of("commit").map(({ proof }) => toHex(proof)), [toHex(later)]);
  const last = after.written.records.at(-1);
  assert.equal(toHex(last?.body ?? EMPTY_BYTES), toHex(later), "and is stored in its place");
});

Deno.test("the only validator commits a recovered proof at once", () => {
  const alone = { own: 0, validatorCount: 1 };
  const before = new CoreFixture(alone);
  before.reconfigure(HEIGHT - 1n);
  before.input({ kind: "proposal", proposal: { height: HEIGHT, data: X.raw }, reason: "" });
  const [commit] = before.of("commit");
  const contentByHeight = new Map([[HEIGHT, before.written]]);
  const after = new CoreFixture({ ...alone, height: HEIGHT, contentByHeight });
  after.reconfigure(HEIGHT - 1n);
  assert.deepEqual(after.of("commit"), [commit]);
});

Deno.test("with a damaged log a validator votes no more at this height, but follows", () => {
  const { records } = voted(1).written;
  const after = start(3, { records: records.slice(0, 1), isDamaged: true });
  after.approvedProposal(0, AT, Y);
  after.message(MessageType.LeaderPrevote, PREVOTES);
  assert.deepEqual(after.of("sign"), []);
  after.message(MessageType.LeaderPrecommit, PRECOMMITS);
  assert.equal(after.of("commit").length, 1);
  after.reconfigure(HEIGHT);
  after.approvedProposal(1, { height: HEIGHT + 1n, round: 0n }, Y);
  assert.equal(after.sent(MessageType.Prevote).length, 1, "votes at the next height");
});

Deno.test("a record that is not what its type says counts as damage", () => {
  const { records } = voted(2).written;
  for (const [index, { body }] of records.entries()) {
    for (const type of [0, 1, 2, 3, 4, 5, 6]) {
      if (type === records[index]?.type) continue;
      const retyped = records.with(index, { type, body });
      const after = start(3, { records: retyped, isDamaged: false });
      assert.deepEqual(after.of("sign").filter(({ id }) => !id.endsWith("NewView")), []);
      assert(after.of("log").some(({ level }) => level === "error"), `${index} as ${type}`);
    }
  }
});

Deno.test("an own proposal counts only if it is whole, signed by this node, and its turn", () => {
  const before = start(0);
  before.input({ kind: "proposal", proposal: { height: HEIGHT, data: X.raw }, reason: "" });
  const [own] = before.sent(MessageType.Proposal).map(decodeSignedProposal);
  assert(own);
  const { proposal } = own;
  const ofAnother = decodeSignedProposal(forge.proposal(1, AT, X));
  const notItsTurn = decodeSignedProposal(forge.proposal(0, { ...AT, round: 1n }, X));
  const otherData = decodeSignedProposal(
    forge.proposal(0, AT, { ...Y, proposed: proposal.proposed }),
  );
  assert(ofAnother && notItsTurn && otherData);
  const unsigned = { ...own, signature: own.signature.with(-1, 0) };
  for (const wrong of [ofAnother, notItsTurn, otherData, unsigned]) {
    const records = [ownProposalRecord(encodeSignedProposal(wrong))];
    const after = start(0, { records, isDamaged: false });
    assert.deepEqual(after.sent(MessageType.Proposal), []);
    assert(after.of("log").some(({ level }) => level === "error"), "the log is damaged");
    const { hash } = wrong.proposal.proposed;
    const proof = forge.quorum([1, 2, 3], voteFor(Step.Precommit, AT, hash));
    after.message(MessageType.LeaderPrecommit, proof);
    assert.deepEqual(after.of("commit"), []);
  }
});

Deno.test("what users put into a block does not become a record behind damage", () => {
  const fake = forge.proposal(0, AT, { raw: fromHex("deadbeef"), proposed: { hash: Y.hash } });
  const planted = concatBytes(encodeRecords([ownProposalRecord(fake)]), fromHex("00"));
  const approved = approvedRecord(AT, hashHex(FAKE_CRYPTO, planted), planted);
  const torn = encodeRecords([approved]).subarray(0, -1);
  const { records, isDamaged } = readLog(torn);
  assert.deepEqual(records.map(({ type }) => type), [RecordType.OwnProposal]);
  const after = start(3, { records, isDamaged });
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, AT, Y.hash));
  after.message(MessageType.LeaderPrecommit, proof);
  assert.deepEqual(after.of("commit"), []);
});

/** What the reference wrote of a height, as the node that it is taken over by finds it. */
function referenceLog(...quorums: Bytes[]): WalContent {
  const bodies = quorums.map((body) => ({ type: RecordType.QuorumVotes, body }));
  const skipped = [0, 3].map((type) => ({ type, body: fromHex("0102") }));
  const records = [approvedRecord(AT, X.hash, X.raw), ...skipped, ...bodies];
  return readLog(encodeRecords(records));
}

Deno.test("a log of the reference, without own votes, still binds: to the latest quorum in it", () => {
  const later = { ...AT, round: 2n };
  const quorumOf = (at: typeof AT, hash: string) =>
    forge.quorum([0, 1, 2], voteFor(Step.Prevote, at, hash));
  const after = start(3, referenceLog(quorumOf(later, X.hash), quorumOf(AT, Y.hash)));
  const { lock, round } = after.core.view;
  assert.deepEqual([lock?.hash, lock?.round, round], [X.hash, 2n, 2n]);
  const precommits = after.sent(MessageType.Precommit).map((body) => decodeSignedVote(body)?.vote);
  assert.deepEqual(precommits, [voteFor(Step.Precommit, later, X.hash)]);
  assert(after.of("log").every(({ level }) => level !== "error"), "nothing counts as damage");
});

Deno.test("a quorum of a log that does not verify binds to nothing", () => {
  const prevotes = forge.quorum([0, 1], voteFor(Step.Prevote, AT, X.hash));
  assert.equal(start(3, referenceLog(prevotes)).core.view.lock, null);
});

Deno.test("a log above the controller's height is erased: the chain was rolled back", () => {
  const contentByHeight = new Map([[HEIGHT, voted(2).written]]);
  const options = { own: 3, validatorCount: 4, height: HEIGHT, contentByHeight };
  const fixture = new CoreFixture(options);
  fixture.reconfigure(1n);
  assert.deepEqual(
    fixture.of("eraseLog"),
    [],
    "the order may have waited since before the restart",
  );
  const configuration = { height: 1n, blockIntervalSeconds: 3, validators: fixture.validators };
  fixture.input({ kind: "configuration", id: 1, configuration });
  assert.equal(fixture.of("eraseLog").length, 1);
  assert.equal(fixture.core.view.height, 2n);
});

Deno.test("the log of a height is found although the index is behind", () => {
  const before = voted(2);
  const contentByHeight = new Map([[HEIGHT, before.written]]);
  const fixture = new CoreFixture({ own: 3, validatorCount: 4, contentByHeight });
  fixture.reconfigure(HEIGHT - 1n);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
});
