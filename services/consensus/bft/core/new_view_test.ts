import assert from "node:assert/strict";
import { DEFAULT_TIMING, forge } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress } from "../../testing/fake_crypto.ts";
import type { CoreCrypto } from "./crypto.ts";
import { Machine } from "./machine.ts";
import { encodeSignedVote, Step, type Vote } from "./messages.ts";
import { receiveNewView } from "./new_view.ts";

const FIRST: Vote = { height: 1n, round: 0n, step: Step.NewView, hash: null };
const SECOND: Vote = { ...FIRST, round: 1n };
const VALIDATORS = [0, 1, 2, 3].map(fakeAddress);

/** Validator 3 in round 1 of height 1, and the signatures that it has checked. */
function machine() {
  const checked: Uint8Array[] = [];
  const crypto: CoreCrypto = {
    hash: FAKE_CRYPTO.hash,
    recover(hash, signature) {
      checked.push(signature);
      return FAKE_CRYPTO.recover(hash, signature);
    },
  };
  const m = new Machine({ own: fakeAddress(3), crypto, timing: DEFAULT_TIMING });
  m.authorities = { current: VALIDATORS, previous: [], changedAt: 0n };
  m.height = 1n;
  m.round = 1n;
  return { m, checked };
}

Deno.test("receiveNewView() checks what a validator repeats once, and answers it each time", () => {
  const { m, checked } = machine();
  const body = forge.voteBody(0, FIRST);
  for (let time = 0; time < 3; time++) {
    m.effects = [];
    m.nowMs += m.timing.answerMs();
    receiveNewView(m, 7n, body);
    assert.equal(m.newViews.of(fakeAddress(0), 1n), 0n);
    assert(m.answeredAtMs.size > 0 && [...m.answeredAtMs.values()].includes(m.nowMs));
  }
  assert.equal(checked.length, 1);
});

Deno.test("receiveNewView() checks a signature again under whatever else", () => {
  const { m, checked } = machine();
  const first = forge.vote(0, FIRST);
  receiveNewView(m, 7n, encodeSignedVote(first));
  for (const vote of [SECOND, { ...FIRST, hash: "11".repeat(32) }, { ...FIRST, step: 9 as Step }]) {
    receiveNewView(m, 7n, encodeSignedVote({ vote, signature: first.signature }));
  }
  assert.equal(checked.length, 4);
  assert.equal(m.newViews.of(fakeAddress(0), 1n), 0n, "nothing of it counts");
  receiveNewView(m, 7n, forge.voteBody(0, SECOND));
  assert.equal(m.newViews.of(fakeAddress(0), 1n), 1n);
});

Deno.test("receiveNewView() does not know strangers, nor who was a validator before", () => {
  const { m, checked } = machine();
  for (const from of [8, 8, 3, 3]) receiveNewView(m, 7n, forge.voteBody(from, FIRST));
  assert.equal(checked.length, 4);
  const body = forge.voteBody(0, FIRST);
  receiveNewView(m, 7n, body);
  m.authorities = { ...m.authorities, current: VALIDATORS.slice(1) };
  m.newViews.clear();
  receiveNewView(m, 7n, body);
  assert.equal(m.newViews.of(fakeAddress(0), 1n), null);
});
