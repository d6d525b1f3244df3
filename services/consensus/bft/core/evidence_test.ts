import assert from "node:assert/strict";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { CoreFixture, forge, voteFor } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress } from "../../testing/fake_crypto.ts";
import { hashHex } from "./crypto.ts";
import { EvidenceBook } from "./evidence_book.ts";
import { MessageType, Step } from "./messages.ts";

// Of four validators number 0 leads round 0 of height 4.
const AT = { height: 4n, round: 0n };
const X = { raw: fromHex("aa01"), hash: hashHex(FAKE_CRYPTO, fromHex("aa01")) };
const Y = { raw: fromHex("bb02"), hash: hashHex(FAKE_CRYPTO, fromHex("bb02")) };

function validator(own: number): CoreFixture {
  const fixture = new CoreFixture({ own, validatorCount: 4 });
  fixture.reconfigure(AT.height - 1n);
  return fixture;
}

/** How often each validator was accused, by its number. */
function accused(fixture: CoreFixture): Record<number, number> {
  const { counts } = fixture.core.view.evidence;
  const all = [0, 1, 2, 3].map((number) => [number, counts.get(fakeAddress(number)) ?? 0] as const);
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

function accusations(fixture: CoreFixture): string[] {
  return fixture.of("log").map(({ text }) => text).filter((text) =>
    text.startsWith("equivocation")
  );
}

Deno.test("a validator that votes twice is accused once, with both votes", () => {
  const fixture = validator(0);
  const votes = [X, Y, Y].map(({ hash }) => voteFor(Step.Prevote, AT, hash));
  for (const vote of votes) fixture.message(MessageType.Prevote, forge.voteBody(2, vote));
  assert.deepEqual(accused(fixture), { 2: 1 });
  const [line = "", ...others] = accusations(fixture);
  assert.deepEqual(others, []);
  for (const { hash } of [X, Y]) assert(line.includes(`0x${hash} signed 0x`), line);
  assert(line.includes(`of 0x${fakeAddress(2)} at height 4 round 0 step Prevote`), line);

  const precommit = voteFor(Step.Precommit, AT, X.hash);
  fixture.message(MessageType.Precommit, forge.voteBody(2, precommit));
  fixture.message(MessageType.Precommit, forge.voteBody(2, { ...precommit, hash: null }));
  assert.deepEqual(accused(fixture), { 2: 2 }, "another step is another offence");
});

Deno.test("a leader that proposes twice is accused; nobody else can make it look so", () => {
  const fixture = validator(3);
  fixture.message(MessageType.Proposal, forge.proposal(0, AT, X));
  fixture.message(MessageType.Proposal, forge.proposal(0, AT, X));
  fixture.message(MessageType.Proposal, forge.proposal(1, AT, Y));
  assert.deepEqual(accused(fixture), {});
  fixture.message(MessageType.Proposal, forge.proposal(0, AT, Y));
  assert.deepEqual(accused(fixture), { 0: 1 });
});

Deno.test("whoever is in two quorums of a round is accused, and the first quorum stays", () => {
  for (
    const [type, step] of [
      [MessageType.LeaderPrevote, Step.Prevote],
      [MessageType.LeaderPrecommit, Step.Precommit],
    ] as const
  ) {
    const fixture = validator(3);
    fixture.approvedProposal(0, AT, X);
    fixture.message(type, forge.quorum([0, 1, 2], voteFor(step, AT, X.hash)));
    fixture.message(type, forge.quorum([0, 1, 2], voteFor(step, AT, X.hash)));
    assert.deepEqual(accused(fixture), {});
    fixture.message(type, forge.quorum([1, 2, 3], voteFor(step, AT, Y.hash)));
    assert.deepEqual(accused(fixture), { 1: 1, 2: 1 });
    const committed = fixture.of("commit").map(({ data }) => toHex(data));
    assert.deepEqual(committed, step === Step.Precommit ? ["aa01"] : []);
  }
});

Deno.test("votes of different rounds and steps accuse nobody", () => {
  const fixture = validator(3);
  fixture.approvedProposal(0, AT, X);
  const later = { ...AT, round: 1n };
  fixture.message(
    MessageType.LeaderPrevote,
    forge.quorum([0, 1, 2], voteFor(Step.Prevote, AT, X.hash)),
  );
  fixture.message(
    MessageType.LeaderPrevote,
    forge.quorum([0, 1, 2], voteFor(Step.Prevote, later, Y.hash)),
  );
  assert.deepEqual(accused(fixture), {});
});

Deno.test("EvidenceBook.prune() forgets places, not counts", () => {
  const book = new EvidenceBook();
  const offence = { offender: "ab", ...AT, step: Step.Prevote };
  assert(book.add(offence));
  assert(!book.add(offence));
  book.prune(AT.height + 1n);
  assert(book.add(offence));
  assert.deepEqual([...book.counts], [["ab", 2]]);
});
