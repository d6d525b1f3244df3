import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../../shared/bytes/mod.ts";
import { DEFAULT_TIMING } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress, FakeSigner } from "../../testing/fake_crypto.ts";
import { hashHex } from "./crypto.ts";
import { Machine } from "./machine.ts";
import { encodeProposal, encodeVote, Step, type Vote } from "./messages.ts";
import { castVote, onVoteSigned, pledgeAt } from "./own_votes.ts";
import { onProposalSigned, proposalId, proposeRule } from "./proposing.ts";
import { enterHeight } from "./rounds.ts";

const OWN = fakeAddress(1);
const RAW = fromHex("aa01");
const VOTE: Vote = { height: 1n, round: 0n, step: Step.Prevote, hash: "11".repeat(32) };

function machine(): Machine {
  const m = new Machine({ own: OWN, crypto: FAKE_CRYPTO, timing: DEFAULT_TIMING });
  m.authorities = { current: [fakeAddress(0), OWN], previous: [], changedAt: 0n };
  m.height = 1n;
  return m;
}

function kinds(m: Machine): string[] {
  return m.effects.map(({ kind }) => kind);
}

Deno.test("castVote() refuses a second vote for another block, for ever", () => {
  const m = machine();
  castVote(m, VOTE, { target: "everyone" });
  castVote(m, { ...VOTE, hash: "22".repeat(32) }, { target: "everyone" });
  assert.deepEqual(kinds(m), ["sign", "log"]);
  assert.equal(pledgeAt(m, m.at, Step.Prevote)?.vote.hash, VOTE.hash);
});

Deno.test("onVoteSigned() stores a vote before it leaves, and sends the same one again", () => {
  const m = machine();
  castVote(m, VOTE, { target: "everyone" });
  const pledge = pledgeAt(m, m.at, Step.Prevote);
  assert(pledge !== null);
  m.effects = [];
  const signature = new FakeSigner().sign(OWN, FAKE_CRYPTO.hash(encodeVote(VOTE)));
  onVoteSigned(m, pledge, signature);
  assert.deepEqual(kinds(m), ["persist", "broadcast"]);
  castVote(m, VOTE, { target: "everyone" });
  assert.deepEqual(m.effects[1], m.effects[2]);
});

/** Whatever the kms signed before, wrong signatures of a hash are refused, and that is told. */
function expectRefused(m: Machine, hash: Bytes, take: (signature: Bytes) => void): void {
  for (const signature of [new FakeSigner().sign(fakeAddress(5), hash), fromHex("00")]) {
    m.effects = [];
    take(signature);
    assert.deepEqual(kinds(m), ["log", "setTimer"]);
  }
}

Deno.test("onVoteSigned() refuses signatures of another key, also when it came later", () => {
  const m = machine();
  for (const step of [Step.Prevote, Step.Precommit, Step.NewView]) {
    const vote = { ...VOTE, step };
    castVote(m, vote, { target: "everyone" });
    const pledge = pledgeAt(m, m.at, step);
    assert(pledge !== null);
    const hash = FAKE_CRYPTO.hash(encodeVote(vote));
    expectRefused(m, hash, (signature) => onVoteSigned(m, pledge, signature));
    assert.equal(pledge.signature, null);
    onVoteSigned(m, pledge, new FakeSigner().sign(OWN, hash));
    assert(pledge.signature !== null);
  }
});

Deno.test("onVoteSigned() refuses a late signature of what was voted before a rollback", () => {
  const m = machine();
  castVote(m, { ...VOTE, hash: "22".repeat(32) }, { target: "everyone" });
  const [before] = m.effects;
  assert(before?.kind === "sign");
  enterHeight(m, 1n);
  castVote(m, VOTE, { target: "everyone" });
  const pledge = pledgeAt(m, m.at, Step.Prevote);
  assert(pledge !== null);
  onVoteSigned(m, pledge, new FakeSigner().sign(OWN, before.hash));
  assert.equal(pledge.signature, null);
});

Deno.test("onProposalSigned() refuses signatures of another key, also when it came later", () => {
  const m = machine();
  m.ownContent = hashHex(FAKE_CRYPTO, RAW);
  m.proposals.addContent(m.ownContent, 1n, RAW).status = "approved";
  for (const round of [0n, 2n]) {
    m.round = round;
    m.step = Step.ProposeWait;
    assert(proposeRule(m));
    const pledge = m.proposalPledges.get(proposalId(m.at));
    assert(pledge !== undefined);
    const hash = FAKE_CRYPTO.hash(encodeProposal(pledge.proposal));
    expectRefused(m, hash, (signature) => onProposalSigned(m, pledge, signature));
    assert.equal(pledge.body, null);
    onProposalSigned(m, pledge, new FakeSigner().sign(OWN, hash));
    assert(pledge.body !== null);
  }
});
