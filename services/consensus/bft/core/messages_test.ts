import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../../shared/crypto/mod.ts";
import {
  decodeLeaderVote,
  decodeProposal,
  decodeSignedProposal,
  decodeSignedVote,
  encodeLeaderVote,
  encodeProposal,
  encodeSignedProposal,
  encodeSignedVote,
  encodeVote,
  type LeaderVote,
  type SignedVote,
  Step,
  type Vote,
} from "./messages.ts";
import { toWireVoteSet } from "./vote_set.ts";

const H = "11".repeat(32);
const A = "ab".repeat(20);
const S66 = "42000000000000003078" + "31".repeat(64);
const S42 = "2a000000000000003078" + "6162".repeat(20);
const AT = "05000000000000000100000000000000";
const VOTE: Vote = { height: 5n, round: 1n, step: Step.Precommit, hash: H };
const SIGNED: SignedVote = { vote: VOTE, signature: fromHex("010203") };
const VOTE_HEX = `${AT}0400000001${S66}`;
const SIGNED_HEX = `${VOTE_HEX}0300000000000000010203`;
const NIL: LeaderVote = { height: 5n, round: 1n, step: Step.Prevote, hash: null, votes: [] };

Deno.test("the codecs write what the reference encoder writes (spec/consensus.md, 3.5)", () => {
  assert.equal(toHex(encodeVote(VOTE)), VOTE_HEX);
  const newView: Vote = { height: 5n, round: 1n, step: Step.NewView, hash: null };
  assert.equal(toHex(encodeVote(newView)), `${AT}0800000000`);
  assert.equal(toHex(encodeSignedVote(SIGNED)), SIGNED_HEX);
  assert.equal(toHex(encodeLeaderVote(NIL)), `${AT}02000000000000000000000000`);
  const leaderVote = toHex(encodeLeaderVote({ ...VOTE, votes: [SIGNED] }));
  assert.equal(leaderVote, `${AT}0400000001${S66}0100000000000000${SIGNED_HEX}`);
  assert.equal(leaderVote.length / 2, 209);
  const proposed = { hash: H, lockRound: null, lockVotes: null };
  const proposal = { height: 5n, round: 1n, proposed, raw: fromHex("dead") };
  const proposalHex = `${AT}${S66}00000200000000000000dead`;
  assert.equal(toHex(encodeProposal(proposal)), proposalHex);
  const signed = toHex(encodeSignedProposal({ proposal, signature: fromHex("0909"), sender: A }));
  assert.equal(signed, `${proposalHex}02000000000000000909${S42}`);
  const lockVotes = toWireVoteSet(H, [[A, SIGNED]]);
  const locked = { ...proposal, proposed: { hash: H, lockRound: 1n, lockVotes } };
  const one = "0100000000000000";
  const lockedHex = `${S66}01${one}01${one}${S42}${SIGNED_HEX}${one}${S66}${one}${one}`;
  assert.equal(lockedHex.length / 2, 346);
  assert.equal(toHex(encodeProposal(locked)), `${AT}${lockedHex}0200000000000000dead`);
});

Deno.test("encodeVote() gives vector V9 of protocol.md, section 14, and V8 its hash", async () => {
  const sm3 = await loadSm3();
  const header = "0a20f049ea0686771ec3db291ef03a411d371224c679772352698fa7e769721fb868" +
    "10a8c6a588e72f1801" +
    "22201ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b" +
    "2a14262a554f4a34884aa1c2ec04786349ee9c62fb98";
  const data = fromHex(`0a8b010a20${"11".repeat(32)}1a671263${header}1a00`);
  assert.equal(data.length, 142);
  const hash = toHex(sm3(data));
  assert.equal(hash, "905b303cdc2bc84f7a458915674364e77bb571d0fcd8d6b84e3b16d4603d255b");
  const vote = encodeVote({ height: 1n, round: 0n, step: Step.Precommit, hash });
  assert.equal(vote.length, 95);
  const signed = "6710a7b2e6376d70e4485bf8981e7ce2dd6eff6cd289c56c3fffc79edcad2d52";
  assert.equal(toHex(sm3(vote)), signed);
});

Deno.test("decodeSignedVote() reads upper case, missing 0x and step 9, and writes canonically", () => {
  const upper = fromHex(SIGNED_HEX.replace("31".repeat(64), "41".repeat(64)));
  const lower = SIGNED_HEX.replace("31".repeat(64), "61".repeat(64));
  const read = decodeSignedVote(upper);
  assert(read !== null);
  assert.equal(toHex(encodeSignedVote(read)), lower);
  const bare = SIGNED_HEX.replace("42000000000000003078", "4000000000000000");
  assert.deepEqual(decodeSignedVote(fromHex(bare)), SIGNED);
  const answered = decodeSignedVote(fromHex(`${AT}09000000000000000000000000`));
  assert.equal(answered?.vote.step, Step.NewViewRes);
  assert.deepEqual(decodeSignedVote(fromHex(`${SIGNED_HEX}ff`)), SIGNED, "bytes behind");
});

Deno.test("the decoders refuse unknown steps, bad tags and counts beyond the message", () => {
  assert.equal(decodeSignedVote(fromHex(`${AT}0a000000000000000000000000`)), null);
  assert.equal(decodeSignedVote(fromHex(`${AT}04000000020000000000000000`)), null);
  assert.equal(decodeSignedVote(fromHex(`${AT}0400000000ffffffffffffffff`)), null);
  assert.equal(decodeLeaderVote(fromHex(`${AT}0400000000ffffffffffffff7f`)), null);
  assert.equal(decodeSignedVote(fromHex(SIGNED_HEX.replace("3078", "3158"))), null);
});

Deno.test("the decoders survive any bytes, whole or cut or changed", () => {
  const decoders = [decodeSignedVote, decodeLeaderVote, decodeSignedProposal, decodeProposal];
  const valid = fromHex(`${AT}0400000001${S66}0100000000000000${SIGNED_HEX}`);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    for (const decode of decoders) decode(bytes);
  }));
  fc.assert(fc.property(fc.nat(valid.length - 1), fc.nat(255), (index, byte) => {
    const changed = valid.slice();
    changed[index] = byte;
    for (const decode of decoders) decode(changed);
    for (const decode of decoders) decode(valid.subarray(0, index));
  }));
});

Deno.test("decodeLeaderVote() gives back what was encoded", () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
  const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const step = fc.constantFrom(...Object.values(Step));
  const vote = fc.record({ height: u64, round: u64, step, hash: fc.option(hash) });
  const signed = fc.record({ vote, signature: fc.uint8Array({ maxLength: 130 }) });
  const leaderVote = fc.tuple(vote, fc.array(signed, { maxLength: 5 }));
  fc.assert(fc.property(leaderVote, ([head, votes]) => {
    const bytes = encodeLeaderVote({ ...head, votes });
    const read = decodeLeaderVote(bytes);
    assert(read !== null && read.votes.length === votes.length);
    assert.equal(toHex(encodeLeaderVote(read)), toHex(bytes));
  }));
});

Deno.test("what is read of a message keeps no much larger one in memory", () => {
  const vote = encodeSignedVote({ vote: VOTE, signature: new Uint8Array(65) });
  const keptSizes = [0, 100_000].map((extra) => {
    const body = concatBytes(vote, new Uint8Array(extra));
    return decodeSignedVote(body)?.signature.buffer.byteLength;
  });
  assert.deepEqual(keptSizes, [vote.length, 65]);
  const proposed = { hash: H, lockRound: null, lockVotes: null };
  const proposal = { height: 5n, round: 1n, proposed, raw: new Uint8Array(5_000) };
  const body = encodeSignedProposal({ proposal, signature: new Uint8Array(65), sender: A });
  const read = decodeSignedProposal(body);
  assert.equal(read?.proposal.raw.buffer, body.buffer, "most of it is not copied");
  assert.equal(read?.signature.buffer.byteLength, 65);
});
