import assert from "node:assert/strict";
import { fromHex } from "../../../../shared/bytes/mod.ts";
import { DEFAULT_TIMING } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress, FakeSigner } from "../../testing/fake_crypto.ts";
import { Machine } from "./machine.ts";
import { encodeVote, Step, type Vote } from "./messages.ts";
import { castVote, onVoteSigned, pledgeAt } from "./own_votes.ts";

const OWN = fakeAddress(1);
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

Deno.test("onVoteSigned() refuses a signature of another key and tells", () => {
  const m = machine();
  castVote(m, VOTE, { target: "everyone" });
  const pledge = pledgeAt(m, m.at, Step.Prevote);
  assert(pledge !== null);
  const hash = FAKE_CRYPTO.hash(encodeVote(VOTE));
  for (const signature of [new FakeSigner().sign(fakeAddress(5), hash), fromHex("00")]) {
    m.effects = [];
    onVoteSigned(m, pledge, signature);
    assert.deepEqual(kinds(m), ["log", "setTimer"]);
    assert.equal(pledge.signature, null);
  }
});
