import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY_BYTES, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { CoreFixture, forge, voteFor } from "../../testing/core_fixture.ts";
import { FAKE_CRYPTO, fakeAddress } from "../../testing/fake_crypto.ts";
import { hashHex } from "./crypto.ts";
import type { Machine } from "./machine.ts";
import {
  decodeLeaderVote,
  decodeSignedProposal,
  decodeSignedVote,
  isNil,
  MessageType,
  Step,
} from "./messages.ts";
import { toWireVoteSet } from "./vote_set.ts";

// With four validators and height 4 the leaders of rounds 0, 1, 2, 3 are 0, 1, 2, 3.
const HEIGHT = 4n;
const X = { raw: fromHex("aa01"), hash: hashHex(FAKE_CRYPTO, fromHex("aa01")) };
const Y = { raw: fromHex("bb02"), hash: hashHex(FAKE_CRYPTO, fromHex("bb02")) };

function at(round: bigint, height = HEIGHT) {
  return { height, round };
}

/** Validator 3 at the start of height 4. */
function follower(): CoreFixture {
  const fixture = new CoreFixture({ own: 3, validatorCount: 4 });
  fixture.reconfigure(HEIGHT - 1n);
  fixture.effects = [];
  return fixture;
}

/** Validator 0 at the start of height 4, whose own block is X. */
function leader(): CoreFixture {
  const fixture = new CoreFixture({ own: 0, validatorCount: 4 });
  fixture.reconfigure(HEIGHT - 1n);
  fixture.input({ kind: "proposal", proposal: { height: HEIGHT, data: X.raw }, reason: "" });
  return fixture;
}

/** Moves to the next round as two others and the own time-out want it. */
function giveUpWith(fixture: CoreFixture, others: readonly number[], round: bigint): void {
  for (const other of others) {
    const vote = { height: HEIGHT, round, step: Step.NewView, hash: null };
    fixture.message(MessageType.NewView, forge.voteBody(other, vote));
  }
}

function prevotesOf(fixture: CoreFixture): (string | null)[] {
  return fixture.sent(MessageType.Prevote).map((body) => decodeSignedVote(body)?.vote.hash ?? null);
}

/** A follower locked on X in round 0, which then got no further. */
function lockedFollower(): CoreFixture {
  const fixture = follower();
  fixture.approvedProposal(0, at(0n), X);
  const prevotes = forge.quorum([0, 1, 2], voteFor(Step.Prevote, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrevote, prevotes);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
  fixture.effects = [];
  return fixture;
}

Deno.test("a follower prevotes what the controller approves, stored before it is sent", () => {
  const fixture = follower();
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X), 42n);
  assert.equal(fixture.of("checkProposal").length, 1);
  assert.deepEqual(prevotesOf(fixture), []);
  fixture.input({ kind: "checked", hash: X.hash, code: 0 });
  assert.deepEqual(prevotesOf(fixture), [X.hash]);
  const kinds = fixture.effects.map(({ kind }) => kind);
  assert(kinds.indexOf("persist") < kinds.lastIndexOf("send"));
  assert.deepEqual(
    fixture.of("send").map(({ origin }) => origin),
    [42n],
    "to the leader's session",
  );
});

Deno.test("a follower prevotes nil when the controller refuses, and asks again when it is away", () => {
  const fixture = follower();
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X));
  for (const code of [null, 139, 128, 600]) {
    fixture.input({ kind: "checked", hash: X.hash, code });
    assert.deepEqual(prevotesOf(fixture), []);
    fixture.effects = [];
    fixture.input({ kind: "timer", event: { kind: "retry", what: "check" } });
    assert.equal(fixture.of("checkProposal").length, 1, `code ${code}`);
  }
  fixture.input({ kind: "checked", hash: X.hash, code: 130 });
  assert(prevotesOf(fixture).every(isNil));
  assert.equal(prevotesOf(fixture).length, 1);
});

Deno.test("a proposal whose data has another hash gets no vote (S2)", () => {
  const fixture = follower();
  const body = forge.proposal(0, at(0n), { raw: Y.raw, proposed: { hash: X.hash } });
  fixture.message(MessageType.Proposal, body);
  assert.equal(fixture.of("checkProposal").length, 0);
});

Deno.test("only the leader's first proposal counts (S1)", () => {
  const fixture = follower();
  fixture.message(MessageType.Proposal, forge.proposal(1, at(0n), X));
  assert.equal(fixture.of("checkProposal").length, 0, "not of the leader");
  fixture.approvedProposal(0, at(0n), X);
  fixture.approvedProposal(0, at(0n), Y);
  assert.deepEqual(prevotesOf(fixture), [X.hash]);
});

Deno.test("a proposal with a wrong lock is dropped (S6)", () => {
  const vote = voteFor(Step.Prevote, at(0n), Y.hash);
  const lockVotes = toWireVoteSet(Y.hash, forge.votes([0, 1], vote));
  for (const proposed of [{ lockRound: 0n, lockVotes }, { lockRound: 0n }, { lockVotes }]) {
    const fixture = follower();
    giveUpWith(fixture, [0, 1], 0n);
    fixture.message(MessageType.Proposal, forge.proposal(1, at(1n), { raw: Y.raw, proposed }));
    assert.equal(fixture.of("checkProposal").length, 0);
  }
});

Deno.test("a locked follower prevotes its block, whatever is proposed (S3)", () => {
  const fixture = lockedFollower();
  giveUpWith(fixture, [0, 1], 0n);
  fixture.approvedProposal(1, at(1n), Y);
  assert.deepEqual(prevotesOf(fixture), [X.hash]);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
});

Deno.test("a lock yields to a quorum of prevotes of a later round, not to one of its own", () => {
  for (const [lockRound, wanted] of [[0n, X.hash], [1n, Y.hash]] as const) {
    const fixture = lockedFollower();
    giveUpWith(fixture, [0, 1], 0n);
    giveUpWith(fixture, [0, 1], 1n);
    const vote = voteFor(Step.Prevote, at(lockRound), Y.hash);
    const lockVotes = toWireVoteSet(Y.hash, forge.votes([0, 1, 2], vote));
    fixture.effects = [];
    fixture.approvedProposal(2, at(2n), { raw: Y.raw, proposed: { lockRound, lockVotes } });
    assert.deepEqual(prevotesOf(fixture), [wanted]);
  }
});

Deno.test("a forged nil leader message ends neither lock nor round (S4)", () => {
  const fixture = lockedFollower();
  for (const round of [0n, 1n, 100n]) {
    for (const step of [Step.Prevote, Step.Precommit]) {
      const type = step === Step.Prevote ? MessageType.LeaderPrevote : MessageType.LeaderPrecommit;
      const body = forge.leaderVote({ ...at(round), step, hash: null, votes: [] });
      for (const origin of [0n, 9n]) fixture.message(type, body, origin);
    }
  }
  assert.equal(fixture.core.view.round, 0n);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
});

Deno.test("the leader's own word that a round has no block ends the round, not the lock", () => {
  const fixture = lockedFollower();
  const body = forge.leaderVote({ ...at(0n), step: Step.Precommit, hash: null, votes: [] });
  fixture.message(MessageType.LeaderPrecommit, body, 7n);
  assert.equal(fixture.core.view.round, 1n);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
});

Deno.test("a follower precommits only what its controller approved, then at any time", () => {
  const fixture = follower();
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X));
  const prevotes = forge.quorum([0, 1, 2], voteFor(Step.Prevote, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrevote, prevotes);
  assert.equal(fixture.sent(MessageType.Precommit).length, 0);
  fixture.input({ kind: "checked", hash: X.hash, code: 0 });
  assert.equal(fixture.sent(MessageType.Precommit).length, 1);
});

Deno.test("a quorum of prevotes of a later round brings its round, then the precommit", () => {
  const fixture = follower();
  fixture.approvedProposal(1, at(1n), Y);
  const prevotes = forge.quorum([0, 1, 2], voteFor(Step.Prevote, at(1n), Y.hash));
  fixture.message(MessageType.LeaderPrevote, prevotes);
  assert.equal(fixture.core.view.round, 1n);
  const [precommit] = fixture.sent(MessageType.Precommit).map(decodeSignedVote);
  assert.deepEqual(precommit?.vote, voteFor(Step.Precommit, at(1n), Y.hash));
});

Deno.test("a quorum of precommits commits whatever round this node is in (L7)", () => {
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  const later = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(5n), X.hash));
  for (const body of [proof, later]) {
    const fixture = lockedFollower();
    giveUpWith(fixture, [0, 1], 0n);
    giveUpWith(fixture, [0, 1], 1n);
    fixture.message(MessageType.LeaderPrecommit, body);
    fixture.message(MessageType.LeaderPrecommit, body);
    const commits = fixture.of("commit");
    assert.equal(commits.length, 1);
    assert.equal(toHex(commits[0]?.proof ?? EMPTY_BYTES), toHex(body));
    assert.equal(toHex(commits[0]?.data ?? EMPTY_BYTES), toHex(X.raw));
  }
});

Deno.test("a quorum that came before its data commits when the data is here", () => {
  const fixture = follower();
  const body = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, body);
  assert.equal(fixture.of("commit").length, 0);
  giveUpWith(fixture, [0, 1], 0n);
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X));
  assert.equal(fixture.of("commit").length, 1);
});

Deno.test("data that is not that of the decided hash is never committed, wherever it came from", () => {
  const fixture = follower();
  // the view is the machine itself: nothing that a core takes in gets this far
  const { proposals } = fixture.core.view as Machine;
  proposals.addContent(X.hash, HEIGHT, Y.raw).status = "approved";
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, proof);
  assert.deepEqual(fixture.of("commit"), []);
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X));
  assert.deepEqual(fixture.of("commit").map(({ data }) => toHex(data)), [toHex(X.raw)]);
});

Deno.test("a leader vote that repeats a signer, or has a stranger's vote, is dropped (S5)", () => {
  const fixture = follower();
  fixture.approvedProposal(0, at(0n), X);
  for (const from of [[0, 1, 1], [0, 1, 8], [0, 1]]) {
    const body = forge.quorum(from, voteFor(Step.Precommit, at(0n), X.hash));
    fixture.message(MessageType.LeaderPrecommit, body);
  }
  assert.equal(fixture.of("commit").length, 0);
});

Deno.test("a message whose type does not fit its step is dropped", () => {
  const fixture = follower();
  fixture.approvedProposal(0, at(0n), X);
  const prevotes = forge.quorum([0, 1, 2], voteFor(Step.Prevote, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, prevotes);
  const precommits = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrevote, precommits);
  assert.equal(fixture.of("commit").length, 0);
  assert.equal(fixture.core.view.lock, null);
});

Deno.test("a leader announces quorums once and freezes the proof (S11)", () => {
  const fixture = leader();
  for (const from of [1, 2]) {
    const body = forge.voteBody(from, voteFor(Step.Prevote, at(0n), X.hash));
    fixture.message(MessageType.Prevote, body);
  }
  assert.equal(fixture.sent(MessageType.LeaderPrevote).length, 1);
  for (const from of [1, 2, 3]) {
    const body = forge.voteBody(from, voteFor(Step.Precommit, at(0n), X.hash));
    fixture.message(MessageType.Precommit, body);
  }
  const [proof, ...others] = fixture.sent(MessageType.LeaderPrecommit).map(toHex);
  assert.deepEqual(others, []);
  const votes = decodeLeaderVote(fromHex(proof ?? ""))?.votes ?? [];
  assert.equal(votes.length, 3, "the vote that came later is left out");
  const kinds = fixture.effects.map(({ kind }) => kind);
  assert(kinds.lastIndexOf("persist") < kinds.lastIndexOf("broadcast"));
  fixture.input({ kind: "committed", height: HEIGHT, configuration: null, reason: "away" });
  fixture.timeout();
  fixture.input({ kind: "timer", event: { kind: "retry", what: "commit" } });
  const proofs = fixture.of("commit").map((effect) => toHex(effect.proof));
  assert.deepEqual(proofs, [proof, proof, proof]);
});

Deno.test("a leader counts the first of two different votes of a validator (S5)", () => {
  const fixture = leader();
  const vote = (from: number, hash: string) =>
    fixture.message(MessageType.Prevote, forge.voteBody(from, voteFor(Step.Prevote, at(0n), hash)));
  vote(1, Y.hash);
  vote(1, X.hash);
  vote(2, X.hash);
  assert.equal(fixture.sent(MessageType.LeaderPrevote).length, 0);
  vote(3, X.hash);
  assert.equal(fixture.sent(MessageType.LeaderPrevote).length, 1);
});

Deno.test("a leader gives a round up as soon as no block can get a quorum", () => {
  const fixture = leader();
  for (const [from, hash] of [[1, Y.hash], [2, Y.hash], [3, X.hash]] as const) {
    const body = forge.voteBody(from, voteFor(Step.Prevote, at(0n), hash));
    fixture.message(MessageType.Prevote, body);
  }
  const [nil] = fixture.sent(MessageType.LeaderPrevote).map(decodeLeaderVote);
  assert.deepEqual(nil, { ...at(0n), step: Step.Prevote, hash: null, votes: [] });
  assert.equal(fixture.core.view.round, 1n);
});

Deno.test("a leader asks its controller again until it gives a block (L5)", () => {
  const fixture = new CoreFixture({ own: 0, validatorCount: 4 });
  fixture.reconfigure(HEIGHT - 1n);
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.equal(fixture.of("getProposal").length, 1);
    fixture.effects = [];
    fixture.input({ kind: "proposal", proposal: null, reason: "NodeInSyncMode" });
    fixture.input({ kind: "timer", event: { kind: "retry", what: "proposal" } });
  }
  fixture.input({ kind: "proposal", proposal: { height: HEIGHT, data: X.raw }, reason: "" });
  const [proposal] = fixture.sent(MessageType.Proposal).map(decodeSignedProposal);
  assert.equal(proposal?.proposal.proposed.hash, X.hash);
});

Deno.test("a locked leader proposes its block again, with the proof of the lock", () => {
  const fixture = lockedFollower();
  for (const round of [0n, 1n, 2n]) giveUpWith(fixture, [0, 1], round);
  const [signed] = fixture.sent(MessageType.Proposal).map(decodeSignedProposal);
  assert(signed);
  const { proposed, raw } = signed.proposal;
  assert.equal(toHex(raw), toHex(X.raw));
  assert.equal(proposed.lockRound, 0n);
  assert.deepEqual(
    proposed.lockVotes?.votesBySender.map(([sender]) => sender),
    [0, 1, 2].map(fakeAddress),
  );
});

/** Ends the block of a follower that is at work on its commit. */
function commit(fixture: CoreFixture): void {
  const { validators } = fixture;
  const configuration = { height: HEIGHT, blockIntervalSeconds: 3, validators };
  fixture.input({ kind: "committed", height: HEIGHT, configuration, reason: "" });
}

Deno.test("a validator behind is told the frozen proof, not oftener than needed", () => {
  const fixture = lockedFollower();
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, proof);
  fixture.reconfigure(HEIGHT - 1n);
  commit(fixture);
  fixture.timeout();
  assert.equal(fixture.core.view.height, HEIGHT + 1n);
  fixture.effects = [];
  giveUpWith(fixture, [1, 1, 2], 0n);
  const answers = fixture.of("send").map(({ origin, body }) => [origin, toHex(body)]);
  assert.deepEqual(answers, [[7n, toHex(proof)], [7n, toHex(proof)]]);
});

Deno.test("a proof is not told when the controller got the block elsewhere: it may have another", () => {
  const fixture = lockedFollower();
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, proof);
  fixture.reconfigure(HEIGHT);
  assert.equal(fixture.core.view.height, HEIGHT + 1n);
  fixture.effects = [];
  giveUpWith(fixture, [1], 0n);
  assert.deepEqual(fixture.of("send"), []);
});

Deno.test("a leader who is ahead shortens the wait for the next height, by a bounded part", () => {
  const fixture = lockedFollower();
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, proof);
  fixture.nowMs += 100;
  commit(fixture);
  fixture.nowMs += 500;
  fixture.effects = [];
  fixture.approvedProposal(1, at(0n, HEIGHT + 1n), Y);
  fixture.approvedProposal(1, at(0n, HEIGHT + 1n), Y);
  const waits = fixture.of("setTimer").filter(({ event }) => event.kind === "step");
  assert.deepEqual(waits.map(({ delayMs }) => delayMs), [3_000 - 600 - 600]);
});

/** The wait for the next height of a follower after a block of this round. */
function waitAfter(fixture: CoreFixture, round: bigint, hash: string): (number | undefined)[] {
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(round), hash));
  fixture.message(MessageType.LeaderPrecommit, proof);
  fixture.effects = [];
  commit(fixture);
  const waits = fixture.of("setTimer").filter(({ event }) => event.kind === "step");
  return waits.map(({ delayMs }) => delayMs);
}

Deno.test("who proposed or voted too early for others begins the next height later", () => {
  const tooEarly = follower();
  tooEarly.approvedProposal(0, at(0n), X);
  const withDeadLeader = follower();
  for (const fixture of [tooEarly, withDeadLeader]) {
    fixture.nowMs += 2_400;
    giveUpWith(fixture, [1, 2], 0n);
    fixture.approvedProposal(1, at(1n), Y);
  }
  assert.deepEqual(waitAfter(tooEarly, 1n, Y.hash), [3_000 - 2_400 + 600]);
  assert.deepEqual(waitAfter(withDeadLeader, 1n, Y.hash), [3_000 - 2_400]);
});

Deno.test("a validator in an earlier round gets this node's newviews, of that round and later", () => {
  const fixture = follower();
  for (const round of [0n, 1n, 2n]) giveUpWith(fixture, [0, 1], round);
  assert.equal(fixture.core.view.round, 3n);
  fixture.effects = [];
  giveUpWith(fixture, [2, 2], 1n);
  const answers = fixture.of("send").map(({ body }) => decodeSignedVote(body)?.vote.round);
  assert.deepEqual(answers, [1n, 2n]);
  const answer = forge.voteBody(0, { ...at(1n), step: Step.NewViewRes, hash: null });
  fixture.message(MessageType.NewView, answer);
  assert.equal(fixture.of("send").length, 2, "an answer is not answered");
});

Deno.test("newviews of different rounds count for the lowest of them", () => {
  const fixture = follower();
  giveUpWith(fixture, [0], 6n);
  assert.equal(fixture.core.view.round, 0n);
  giveUpWith(fixture, [1], 4n);
  assert.equal(fixture.core.view.round, 5n);
});

Deno.test("whoever stays in a late round repeats how it got there", () => {
  const fixture = follower();
  giveUpWith(fixture, [0, 1], 0n);
  fixture.effects = [];
  fixture.input({ kind: "timer", event: { kind: "retry", what: "remind" } });
  const repeated = fixture.sent(MessageType.NewView).map(decodeSignedVote);
  assert.deepEqual(repeated.map((signed) => signed?.vote.round), [0n]);
});

Deno.test("a leader vote of the next height waits for this node to get there", () => {
  const next = at(0n, HEIGHT + 1n);
  const fixture = lockedFollower();
  fixture.approvedProposal(1, next, Y);
  const prevotes = forge.quorum([0, 1, 2], voteFor(Step.Prevote, next, Y.hash));
  fixture.message(MessageType.LeaderPrevote, prevotes);
  assert.equal(fixture.core.view.height, HEIGHT);
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  fixture.message(MessageType.LeaderPrecommit, proof);
  fixture.effects = [];
  commit(fixture);
  assert.equal(fixture.core.view.height, HEIGHT + 1n, "the wait ends, a quorum is at work");
  const [precommit] = fixture.sent(MessageType.Precommit).map(decodeSignedVote);
  assert.deepEqual(precommit?.vote, voteFor(Step.Precommit, next, Y.hash));
});

Deno.test("a configuration of the height before changes nothing in a round (S9)", () => {
  const fixture = lockedFollower();
  fixture.reconfigure(HEIGHT - 1n);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
  assert.deepEqual(fixture.of("setHeight"), []);
});

/** The controller answers a question by its height, or with null by nothing of use. */
function tellHeight(fixture: CoreFixture, id: number, height: bigint | null): void {
  const { validators } = fixture;
  const configuration = height === null ? null : { height, blockIntervalSeconds: 3, validators };
  fixture.input({ kind: "configuration", id, configuration });
}

const START_QUESTION = 1;
const ORDER_QUESTION = 2;

/** A follower with a lock that is ordered back to height 1, and asks whether that is still so. */
function orderedBack(): CoreFixture {
  const fixture = lockedFollower();
  fixture.effects = [];
  fixture.reconfigure(1n);
  assert.deepEqual(fixture.of("queryConfiguration").map(({ id }) => id), [ORDER_QUESTION]);
  return fixture;
}

Deno.test("a lower configuration that is confirmed rolls back: log and lock are gone (S9)", () => {
  const fixture = orderedBack();
  assert.equal(fixture.core.view.lock?.hash, X.hash, "not before the controller confirms it");
  tellHeight(fixture, ORDER_QUESTION, null);
  fixture.input({ kind: "timer", event: { kind: "retry", what: "configuration" } });
  tellHeight(fixture, ORDER_QUESTION, 1n);
  assert.equal(fixture.core.view.height, HEIGHT, "the question was asked again");
  tellHeight(fixture, ORDER_QUESTION + 1, 1n);
  assert.equal(fixture.core.view.height, 2n);
  assert.equal(fixture.core.view.lock, null);
  assert.equal(fixture.of("eraseLog").length, 1);
});

Deno.test("a lower configuration that comes late changes nothing: votes given since bind", () => {
  const fixture = orderedBack();
  tellHeight(fixture, ORDER_QUESTION, HEIGHT - 1n);
  tellHeight(fixture, START_QUESTION, 1n);
  assert.equal(fixture.core.view.height, HEIGHT);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
  assert.deepEqual(fixture.of("eraseLog"), []);
});

Deno.test("answers to questions from before an order neither confirm it nor end it", () => {
  const fixture = orderedBack();
  tellHeight(fixture, START_QUESTION, 1n);
  assert.equal(fixture.core.view.lock?.hash, X.hash);
  tellHeight(fixture, START_QUESTION, HEIGHT - 1n);
  tellHeight(fixture, ORDER_QUESTION, 1n);
  assert.equal(fixture.core.view.height, 2n);
});

Deno.test("an order is void once the controller took a block, whatever it answers from before", () => {
  const fixture = orderedBack();
  fixture.message(
    MessageType.LeaderPrecommit,
    forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash)),
  );
  commit(fixture);
  tellHeight(fixture, ORDER_QUESTION, 2n);
  assert.equal(fixture.core.view.height, HEIGHT);
  assert.deepEqual(fixture.of("eraseLog"), []);
});

Deno.test("while an order to go back waits, its validators judge the blocks above it", () => {
  const fixture = lockedFollower();
  const others = [4, 5, 6, 7].map((index) => fromHex(fakeAddress(index)));
  fixture.effects = [];
  fixture.reconfigure(1n, others);
  const proposal = { height: 2n, data: X.raw };
  const proof = forge.quorum([4, 5, 6], voteFor(Step.Precommit, at(0n, 2n), X.hash));
  fixture.input({ kind: "checkBlock", id: 1, proposal, proof });
  tellHeight(fixture, ORDER_QUESTION, HEIGHT - 1n);
  fixture.input({ kind: "checkBlock", id: 2, proposal, proof });
  assert.deepEqual(fixture.of("answer").map(({ code }) => code), [0, 130]);
});

Deno.test("heights that would overflow are refused", () => {
  for (const height of [2n ** 63n, 2n ** 64n - 1n]) {
    const fixture = lockedFollower();
    fixture.reconfigure(height);
    tellHeight(fixture, START_QUESTION, height);
    assert.equal(fixture.core.view.height, HEIGHT);
    assert(fixture.of("log").some(({ level, text }) => level === "error" && text.includes("2^63")));
  }
});

Deno.test("validators that change at an open height void the quorums, but not the own votes", () => {
  const fixture = lockedFollower();
  fixture.reconfigure(HEIGHT - 1n, fixture.validators.toReversed());
  assert.equal(fixture.core.view.lock?.hash, X.hash);
  assert.deepEqual(fixture.core.view.lock?.votesBySender, []);
  assert.deepEqual(fixture.of("setHeight"), []);
});

Deno.test("a higher configuration, got by synchronisation, starts the next height", () => {
  const fixture = lockedFollower();
  fixture.reconfigure(HEIGHT + 5n);
  assert.equal(fixture.core.view.height, HEIGHT + 6n);
  assert.equal(fixture.core.view.lock, null);
});

Deno.test("a node outside the list is silent until a configuration names it (L13)", () => {
  const fixture = new CoreFixture({ own: 3, validatorCount: 4 });
  fixture.reconfigure(HEIGHT - 1n, fixture.validators.slice(0, 3));
  fixture.effects = [];
  fixture.approvedProposal(0, at(0n), X);
  fixture.message(MessageType.NewView, forge.voteBody(1, { ...at(0n), step: 8, hash: null }));
  assert.deepEqual(fixture.effects.filter(({ kind }) => kind !== "log"), []);
  fixture.reconfigure(HEIGHT);
  fixture.approvedProposal(1, at(0n, HEIGHT + 1n), Y);
  assert.deepEqual(prevotesOf(fixture), [Y.hash]);
});

Deno.test("validators of a wrong length are refused, the list before stays (S12)", () => {
  const fixture = follower();
  fixture.reconfigure(HEIGHT, [new Uint8Array(19)]);
  assert.equal(fixture.core.view.validators.length, 4);
  assert.equal(fixture.core.view.height, HEIGHT + 1n);
});

Deno.test("checkBlock is judged by the configuration that came before it, in every state", () => {
  const fixture = new CoreFixture({ own: 3, validatorCount: 4 });
  const proof = forge.quorum([0, 1, 2], voteFor(Step.Precommit, at(0n), X.hash));
  const proposal = { height: HEIGHT, data: X.raw };
  fixture.input({ kind: "checkBlock", id: 1, proposal, proof });
  fixture.reconfigure(HEIGHT - 1n);
  fixture.input({ kind: "checkBlock", id: 2, proposal, proof });
  fixture.input({ kind: "checkBlock", id: 3, proposal: undefined, proof });
  assert.deepEqual(fixture.of("answer").map(({ id, code }) => [id, code]), [
    [1, 130],
    [2, 0],
    [3, 130],
  ]);
});

Deno.test("a core asks for its configuration until it gets one, and is silent till then", () => {
  const fixture = new CoreFixture({ own: 3, validatorCount: 4 });
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X));
  fixture.input({ kind: "configuration", id: 1, configuration: null });
  fixture.input({ kind: "timer", event: { kind: "retry", what: "configuration" } });
  assert.equal(fixture.of("queryConfiguration").length, 2);
  assert.equal(fixture.of("setHeight").length, 0);
  const { validators } = fixture;
  const configuration = { height: HEIGHT - 1n, blockIntervalSeconds: 3, validators };
  fixture.input({ kind: "configuration", id: 2, configuration });
  assert.equal(fixture.core.view.height, HEIGHT);
});

Deno.test("a step that runs out says in the log why there is no block", () => {
  const fixture = follower();
  fixture.timeout();
  assert.deepEqual(warningsOf(fixture), [
    `no block at height 4: round 0 ends at ProposeWait: no proposal came from 0x${fakeAddress(0)}`,
  ]);
});

function warningsOf(fixture: CoreFixture): string[] {
  return fixture.of("log").filter(({ level }) => level === "warn").map(({ text }) => text);
}

Deno.test("a leader whose block is refused names who refused it, and who said nothing", () => {
  const fixture = leader();
  for (const from of [1, 2]) {
    const body = forge.voteBody(from, voteFor(Step.Prevote, at(0n), "00".repeat(32)));
    fixture.message(MessageType.Prevote, body);
  }
  const [own, first, second, silent] = [0, 1, 2, 3].map((index) => `0x${fakeAddress(index)}`);
  assert.deepEqual(warningsOf(fixture), [
    "no block at height 4: round 0 ends at PrevoteWait: this node leads and needs 3 prevotes for " +
    `one block; for 0x${X.hash}: ${own}; nil: ${first}, ${second}; none of: ${silent}`,
  ]);
});

Deno.test("a leader tells of votes in the words of the reference", () => {
  const fixture = leader();
  for (const [from, hash] of [[1, X.hash], [2, "00".repeat(32)]] as const) {
    fixture.message(
      MessageType.Prevote,
      forge.voteBody(from, voteFor(Step.Prevote, at(0n), hash)),
    );
  }
  const lines = fixture.of("log").map(({ text }) => text)
    .filter((text) => text.startsWith("Handle message leader get vote: "));
  const vote = "Handle message leader get vote: height 4 round 0 step Prevote, sender";
  assert.deepEqual(lines, [
    `${vote} 0x${fakeAddress(1)}, hash 0x${X.hash}`,
    `${vote} 0x${fakeAddress(2)}, hash nil`,
  ]);
});

Deno.test("a leader that is told of two blocks names who wants which", () => {
  const fixture = leader();
  const all = [0, 1, 2, 3].map((index) => `0x${fakeAddress(index)}`);
  for (const from of [1, 2]) {
    fixture.message(
      MessageType.Prevote,
      forge.voteBody(from, voteFor(Step.Prevote, at(0n), from === 1 ? X.hash : Y.hash)),
    );
  }
  fixture.timeout();
  const byHash = [
    `for 0x${X.hash}: ${all[0]}, ${all[1]}`,
    `for 0x${Y.hash}: ${all[2]}`,
  ].sort().reverse();
  assert.deepEqual(warningsOf(fixture), [
    "no block at height 4: round 0 ends at PrevoteWait: this node leads and needs 3 prevotes for " +
    `one block; ${byHash.join("; ")}; none of: ${all[3]}`,
  ]);
});

Deno.test("a follower says that the leader gave a round up, and that its own controller refuses the block", () => {
  const fixture = follower();
  fixture.message(MessageType.Proposal, forge.proposal(0, at(0n), X));
  fixture.input({ kind: "checked", hash: X.hash, code: 130 });
  const nil = { ...at(0n), step: Step.Prevote, hash: null, votes: [] };
  fixture.message(MessageType.LeaderPrevote, forge.leaderVote(nil));
  assert.deepEqual(warningsOf(fixture), [
    `no block at height 4: round 0 ends at PrevoteWait: 0x${
      fakeAddress(0)
    }, which leads, gave it ` +
    `up; the own controller refuses 0x${X.hash}`,
  ]);
});

Deno.test("no message of whatever bytes breaks the core or makes it talk (S12)", () => {
  const types = [...Object.values(MessageType), "", "unknown"];
  const bodies = [
    forge.proposal(0, at(0n), X),
    forge.quorum([0, 1, 2], voteFor(Step.Prevote, at(0n), X.hash)),
    forge.voteBody(1, { ...at(2n ** 64n - 1n), step: Step.NewView, hash: null }),
    forge.voteBody(2, { height: 2n ** 64n - 1n, round: 0n, step: Step.NewView, hash: null }),
    forge.voteBody(1, { ...at(0n), step: Step.CommitWait, hash: X.hash }),
  ];
  const fixtures = [follower(), leader(), lockedFollower()];
  for (const fixture of fixtures) fixture.effects = [];
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.constantFrom(...bodies),
    fc.tuple(fc.constantFrom(...bodies), fc.nat(), fc.nat(255)).map(([bytes, index, byte]) => {
      const changed = bytes.slice();
      changed[index % bytes.length] = byte;
      return changed;
    }),
    fc.tuple(fc.constantFrom(...bodies), fc.nat()).map(([bytes, size]) =>
      bytes.slice(0, size % bytes.length)
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...types), body, (type, bytes) => {
      for (const fixture of fixtures) fixture.message(type, bytes);
    }),
    { numRuns: 2_000 },
  );
  for (const fixture of fixtures) {
    assert.equal(fixture.of("commit").length, 0);
    assert.equal(fixture.core.view.height, HEIGHT);
  }
});
