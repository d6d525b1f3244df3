import assert from "node:assert/strict";
import { EMPTY_BYTES, u64be } from "../../../../shared/bytes/mod.ts";
import { encode } from "../../../../shared/codec/mod.ts";
import { CoreGroup, CoreRunner, DEFAULT_TICKS } from "../../testing/raft_runner.ts";
import { ConfChangeV2, differenceTo, membersOf } from "./conf_change.ts";
import { blankState, bootstrapState, type RaftOptions, type RaftState } from "./interface.ts";
import {
  CAMPAIGN_TRANSFER,
  type Draft,
  type Entry,
  entryOf,
  EntryType,
  isConfChange,
  type Message,
  messageOf,
  MessageType,
} from "./messages.ts";
import type { RaftCore } from "./raft.ts";

const { electionTicks, heartbeatTicks } = DEFAULT_TICKS;

/** A group whose voters are 1 to a number; others may stand by to join. */
function groupOf(count: number, options: Partial<RaftOptions> = {}, joiners = 0): CoreGroup {
  const ids = Array.from({ length: count + joiners }, (_, index) => BigInt(index + 1));
  const founded = bootstrapState(ids.slice(0, count));
  const states = ids.map((id, index) => [id, index < count ? founded : blankState()] as const);
  return new CoreGroup(new Map<bigint, RaftState>(states), options);
}

/** Node 1 of a group of three, alone. */
function followerOf3(options: Partial<RaftOptions> = {}): CoreRunner {
  return new CoreRunner(1n, bootstrapState([1n, 2n, 3n]), options);
}

function messageTo1(draft: Omit<Draft, "to">): Message {
  return messageOf({ from: 2n, term: 6n, ...draft, to: 1n });
}

function entryAt(term: bigint, index: bigint, data: Uint8Array = EMPTY_BYTES): Entry {
  return { ...entryOf(EntryType.ENTRY_NORMAL, data), term, index };
}

/** What a node answers to a message. */
function answersTo(runner: CoreRunner, message: Message): Message[] {
  runner.core.step(message);
  return runner.run();
}

/** Lets time pass until a node stands for election, or asks for it. */
function ticksAsFollower({ core }: CoreRunner): number {
  let ticks = 0;
  for (; core.view.role === "follower"; ticks++) core.tick();
  return ticks;
}

const VOTE_REQUEST = { msgType: MessageType.REQUEST_VOTE, index: 5n, logTerm: 5n };

function changeTo(core: RaftCore, ...wanted: bigint[]): boolean {
  const change = differenceTo(core.view.members, wanted);
  assert(change !== null);
  return core.proposeConfChange(change);
}

function votersOf(core: RaftCore): bigint[] {
  assert.deepEqual(core.confState.votersOutgoing, [], "still joint");
  return core.confState.voters.toSorted();
}

Deno.test("RaftCore gives one vote per term, also after a restart", () => {
  const runner = followerOf3();
  const [granted] = answersTo(runner, messageTo1(VOTE_REQUEST));
  assert.deepEqual([granted?.reject, granted?.term, granted?.to], [false, 6n, 2n]);
  runner.restart();
  const [refused] = answersTo(runner, messageTo1({ ...VOTE_REQUEST, from: 3n }));
  assert.deepEqual([refused?.reject, refused?.term, refused?.to], [true, 6n, 3n]);
  const [again] = answersTo(runner, messageTo1(VOTE_REQUEST));
  assert.equal(again?.reject, false, "the same candidate asks again");
});

Deno.test("RaftCore lets a vote leave only with the Ready that stores it", () => {
  const { core } = followerOf3();
  core.step(messageTo1(VOTE_REQUEST));
  const ready = core.ready();
  assert.deepEqual(ready?.hardState, { term: 6n, vote: 2n, commit: 5n });
  assert.equal(ready.messages.length, 0);
  assert.equal(ready.persistedMessages.length, 1);
  core.step(messageTo1(VOTE_REQUEST));
  assert.equal(core.ready(), null, "the first is not finished");
});

Deno.test("RaftCore stores nothing twice when a leader replaces the end of what is being stored", () => {
  const { core } = followerOf3();
  const append = { msgType: MessageType.APPEND, index: 5n, logTerm: 5n, commit: 6n };
  core.step(messageTo1({ ...append, entries: [entryAt(6n, 6n), entryAt(6n, 7n)] }));
  assert.equal(core.ready()?.hardState?.commit, 6n);
  const other = { from: 3n, term: 7n, index: 6n, logTerm: 6n, entries: [entryAt(7n, 7n)] };
  core.step(messageTo1({ ...append, ...other }));
  core.advance();
  assert.deepEqual(core.ready()?.entries, [entryAt(7n, 7n)], "entry 6 is stored and committed");
});

Deno.test("RaftCore refuses its vote to a shorter log and tells what is committed", () => {
  const [refused] = answersTo(followerOf3(), messageTo1({ ...VOTE_REQUEST, index: 4n }));
  assert.deepEqual([refused?.reject, refused?.commit, refused?.commitTerm], [true, 5n, 5n]);
});

Deno.test("RaftCore refuses its vote in a term whose leader it knows", () => {
  const runner = followerOf3();
  runner.core.step(messageTo1({ msgType: MessageType.HEARTBEAT, from: 3n }));
  const answers = answersTo(runner, messageTo1(VOTE_REQUEST));
  assert.equal(answers.at(-1)?.reject, true);
});

Deno.test("RaftCore learns from votes what others have committed", () => {
  const runner = followerOf3();
  const entries = [entryAt(6n, 6n)];
  runner.core.step(
    messageTo1({ msgType: MessageType.APPEND, index: 5n, logTerm: 5n, entries, commit: 5n }),
  );
  const request = { ...VOTE_REQUEST, term: 7n, commit: 6n, commitTerm: 6n };
  answersTo(runner, messageTo1(request));
  assert.equal(runner.core.view.log.committed, 6n);
});

Deno.test("RaftCore with check_quorum keeps to a leader that it hears, unless that one asks", () => {
  const runner = followerOf3({ checksQuorum: true });
  runner.core.step(messageTo1({ msgType: MessageType.HEARTBEAT }));
  runner.run();
  const request = messageTo1({ ...VOTE_REQUEST, from: 3n, term: 7n });
  assert.deepEqual(answersTo(runner, request), []);
  const [granted] = answersTo(runner, { ...request, context: CAMPAIGN_TRANSFER });
  assert.equal(granted?.reject, false);
  for (let tick = 0; tick < electionTicks; tick++) runner.core.tick();
  assert.equal(answersTo(runner, { ...request, term: 9n }).at(-1)?.reject, false);
});

Deno.test("RaftCore with check_quorum steps down when a majority is silent", () => {
  const group = groupOf(3, { checksQuorum: true });
  group.elect(1n);
  group.tick(1n, 2 * electionTicks);
  assert.equal(group.core(1n).view.role, "leader");
  group.accepts = ({ to }) => to !== 1n;
  group.tick(1n, 2 * electionTicks);
  assert.equal(group.core(1n).view.role, "follower");
});

Deno.test("RaftCore campaigns after one to two election times without a leader", () => {
  for (const [random, ticks] of [[0, electionTicks], [0.999, 2 * electionTicks - 1]] as const) {
    const { core } = followerOf3({ random: () => random });
    for (let tick = 1; tick < ticks; tick++) core.tick();
    assert.equal(core.view.role, "follower");
    core.tick();
    assert.equal(core.view.role, "candidate");
  }
});

Deno.test("RaftCore that is asked first does not raise the term of others on its return", () => {
  const group = groupOf(3, { asksBeforeElection: true });
  group.elect(1n);
  const { term } = group.core(1n).view;
  group.accepts = ({ from, to }) => from !== 3n && to !== 3n;
  group.tick(3n, 10 * electionTicks);
  assert.equal(group.core(3n).view.term, term);
  group.accepts = () => true;
  group.tick(3n, 2 * electionTicks);
  assert.equal(group.core(1n).view.role, "leader");
  assert.equal(group.core(1n).view.term, term);
});

Deno.test("RaftCore lets another one lead, if asked, when nothing is committed for long", () => {
  const runner = followerOf3({ asksBeforeElection: true });
  const heartbeat = messageTo1({ msgType: MessageType.HEARTBEAT });
  const asks = {
    msgType: MessageType.REQUEST_PRE_VOTE,
    from: 3n,
    term: 7n,
    index: 6n,
    logTerm: 6n,
  };
  answersTo(runner, heartbeat);
  for (let tick = 0; tick < 3 * electionTicks; tick++) {
    assert.deepEqual(answersTo(runner, messageTo1(asks)), []);
    runner.core.tick();
    answersTo(runner, heartbeat);
  }
  const [answer] = answersTo(runner, messageTo1(asks));
  assert.equal(answer?.msgType, MessageType.REQUEST_PRE_VOTE_RESPONSE);
  assert.equal(answer?.reject, false);
  assert.equal(runner.core.view.role, "follower", "it asks nobody itself: nothing waits");
});

Deno.test("RaftCore gives up a leader that tells of entries and never brings them", () => {
  const runner = followerOf3({ asksBeforeElection: true, random: () => 0 });
  const append = messageTo1({ msgType: MessageType.APPEND, index: 9n, logTerm: 6n });
  for (let tick = 0; tick < 5 * electionTicks; tick++) {
    answersTo(runner, append);
    runner.core.tick();
  }
  assert.equal(runner.core.view.role, "preCandidate");
});

Deno.test("RaftCore that has waited long for votes does not help to replace it once it leads", () => {
  const runner = followerOf3({ asksBeforeElection: true, random: () => 0.999 });
  runner.core.campaign();
  const grant = { term: 6n, from: 2n };
  answersTo(runner, messageTo1({ msgType: MessageType.REQUEST_PRE_VOTE_RESPONSE, ...grant }));
  for (let tick = 0; tick < 1.5 * electionTicks; tick++) runner.core.tick();
  answersTo(runner, messageTo1({ msgType: MessageType.REQUEST_VOTE_RESPONSE, ...grant }));
  assert.equal(runner.core.view.role, "leader");
  const asks = {
    msgType: MessageType.REQUEST_PRE_VOTE,
    from: 3n,
    term: 7n,
    index: 9n,
    logTerm: 6n,
  };
  assert.deepEqual(answersTo(runner, messageTo1(asks)), []);
  for (let tick = 0; tick < 4 * electionTicks; tick++) {
    runner.core.tick();
    answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT_RESPONSE, term: 6n }));
  }
  assert.equal(runner.core.view.role, "leader", "it hears a majority");
  const answers = answersTo(runner, messageTo1(asks)).map(({ msgType }) => msgType);
  assert(!answers.includes(MessageType.REQUEST_PRE_VOTE_RESPONSE), "though it commits nothing");
});

Deno.test("RaftCore waits longer for each leader that has brought nothing, up to a limit", () => {
  const runner = followerOf3({ asksBeforeElection: true, random: () => 0 });
  const waits: number[] = [];
  for (let term = 6n; term < 12n; term++) {
    answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT, term }));
    waits.push(ticksAsFollower(runner) / electionTicks);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 8, 8]);
});

Deno.test("RaftCore that has brought nothing as a leader waits longer for the next one", () => {
  const runner = followerOf3({ random: () => 0 });
  runner.core.campaign();
  answersTo(runner, messageTo1({ msgType: MessageType.REQUEST_VOTE_RESPONSE }));
  assert.equal(runner.core.view.role, "leader");
  answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT, term: 7n }));
  assert.equal(ticksAsFollower(runner), 2 * electionTicks);
});

Deno.test("RaftCore waits no longer than an election time while there is no leader to wait for", () => {
  const runner = followerOf3({ asksBeforeElection: true, random: () => 0 });
  for (let term = 6n; term < 12n; term++) {
    answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT, term }));
  }
  answersTo(runner, messageTo1({ ...VOTE_REQUEST, term: 12n }));
  for (let tick = 0; tick < electionTicks; tick++) runner.core.tick();
  assert.equal(runner.core.view.role, "preCandidate");
});

Deno.test("RaftCore waits no longer after leaders that handed over", () => {
  const runner = followerOf3({ asksBeforeElection: true, random: () => 0 });
  for (let term = 6n; term < 12n; term++) {
    answersTo(runner, messageTo1({ ...VOTE_REQUEST, term, context: CAMPAIGN_TRANSFER }));
    answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT, term }));
  }
  for (let tick = 0; tick < electionTicks; tick++) runner.core.tick();
  assert.equal(runner.core.view.role, "preCandidate");
});

Deno.test("RaftCore takes all of a leader's log while none of it is committed", () => {
  const runner = followerOf3();
  const append = { msgType: MessageType.APPEND, term: 99n };
  for (let index = 5n; index < 205n; index++) {
    const entries = [entryAt(6n, index + 1n)];
    const logTerm = index === 5n ? 5n : 6n;
    answersTo(runner, messageTo1({ ...append, index, logTerm, entries }));
  }
  assert.equal(runner.core.view.log.lastIndex, 205n);
});

Deno.test("RaftCore that may not campaign forgets its leader in time and grants a vote to the next", () => {
  for (const random of [0, 0.999]) {
    const runner = new CoreRunner(1n, blankState(), { random: () => random });
    answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT }));
    const request = messageTo1({ msgType: MessageType.REQUEST_PRE_VOTE, term: 7n });
    assert.deepEqual(answersTo(runner, request), []);
    for (let tick = 0; tick < 2 * electionTicks; tick++) runner.core.tick();
    const [answer] = answersTo(runner, request);
    assert.equal(answer?.msgType, MessageType.REQUEST_PRE_VOTE_RESPONSE);
    assert.equal(answer?.reject, false);
  }
});

Deno.test("RaftCore sends one entry per append, and a leader does so before it has stored it", () => {
  const group = groupOf(3);
  group.elect(1n);
  const core = group.core(1n);
  core.propose(u64be(1n));
  core.propose(u64be(2n));
  const ready = core.ready();
  const appends = ready?.messages.filter(({ to }) => to === 2n) ?? [];
  assert.deepEqual(appends.map(({ entries }) => entries.map(({ index }) => index)), [[7n], [8n]]);
  assert.deepEqual(ready?.persistedMessages, []);
});

Deno.test("RaftCore alone commits what it has stored, not before", () => {
  const { core } = new CoreRunner(1n, bootstrapState([1n]));
  core.campaign();
  assert.equal(core.view.role, "leader");
  assert.deepEqual(core.ready()?.committedEntries, []);
  assert.equal(core.view.log.committed, 5n);
  core.advance();
  assert.equal(core.view.log.committed, 6n);
  assert.equal(core.ready()?.committedEntries.length, 1);
});

Deno.test("RaftCore refuses an append with the place where the logs may agree", () => {
  const runner = followerOf3();
  const entries = [entryAt(6n, 6n), entryAt(6n, 7n)];
  const append = { msgType: MessageType.APPEND, index: 5n, logTerm: 5n };
  const [accepted] = answersTo(runner, messageTo1({ ...append, entries, commit: 6n }));
  assert.deepEqual([accepted?.reject, accepted?.index, accepted?.commit], [false, 7n, 6n]);
  const gap = messageTo1({ ...append, term: 7n, index: 9n, logTerm: 7n });
  const [refused] = answersTo(runner, gap);
  assert.deepEqual(refused, {
    ...messageOf({ msgType: MessageType.APPEND_RESPONSE, to: 2n, from: 1n, term: 7n }),
    reject: true,
    index: 9n,
    rejectHint: 7n,
    logTerm: 6n,
    commit: 6n,
  });
  const [old] = answersTo(runner, messageTo1({ ...append, term: 7n }));
  assert.deepEqual([old?.reject, old?.index], [false, 6n], "what is committed agrees");
});

Deno.test("RaftCore commits entries of older terms only with one of its own", () => {
  const entries = [entryAt(6n, 6n)];
  const hardState = { term: 6n, vote: 0n, commit: 5n };
  const runner = new CoreRunner(1n, { ...bootstrapState([1n, 2n, 3n]), hardState, entries });
  const { core } = runner;
  core.campaign();
  runner.run();
  const term = core.view.term;
  core.step(messageTo1({ msgType: MessageType.REQUEST_VOTE_RESPONSE, term }));
  runner.run();
  assert.equal(core.view.role, "leader");
  const response = messageTo1({ msgType: MessageType.APPEND_RESPONSE, term });
  answersTo(runner, { ...response, index: 6n });
  assert.equal(core.view.log.committed, 5n);
  answersTo(runner, { ...response, index: 7n });
  assert.equal(core.view.log.committed, 7n);
});

Deno.test("RaftCore tells in a heartbeat no more than the follower is known to have", () => {
  const group = groupOf(3);
  group.elect(1n);
  group.accepts = ({ from }) => from !== 3n;
  group.core(1n).propose(u64be(1n));
  group.settle();
  group.sent.length = 0;
  group.tick(1n, heartbeatTicks);
  const heartbeats = group.sent.filter(({ msgType }) => msgType === MessageType.HEARTBEAT);
  assert.deepEqual(heartbeats.map(({ to, commit }) => [to, commit]), [[2n, 7n], [3n, 6n]]);
});

Deno.test("RaftCore catches up whoever lost messages, on the next heartbeat (L16)", () => {
  const group = groupOf(3);
  group.elect(1n);
  group.accepts = ({ to }) => to !== 3n;
  for (let count = 0n; count < 5n; count++) group.core(1n).propose(u64be(count));
  group.settle();
  group.accepts = () => true;
  group.tick(1n, 2 * heartbeatTicks);
  assert.equal(group.core(3n).view.applied, 11n);
  assert.deepEqual(group.applied(3n), group.applied(1n));
});

Deno.test("RaftCore sends a snapshot to whoever needs compacted entries, again if it is lost", () => {
  const group = groupOf(3);
  group.elect(1n);
  group.accepts = ({ to }) => to !== 3n;
  for (let count = 0n; count < 5n; count++) group.core(1n).propose(u64be(count));
  group.settle();
  group.core(1n).compact(11n);
  group.accepts = ({ msgType }) => msgType !== MessageType.SNAPSHOT;
  group.tick(1n, 2 * heartbeatTicks);
  assert.equal(group.core(3n).view.applied, 6n);
  group.accepts = () => true;
  group.tick(1n, 2 * heartbeatTicks);
  assert.equal(group.core(3n).view.applied, 11n);
  assert.deepEqual(group.runners.get(3n)?.stored.data, u64be(4n));
  group.core(1n).propose(u64be(9n));
  group.settle();
  assert.deepEqual(group.applied(3n).at(-1)?.data, u64be(9n));
});

Deno.test("RaftCore hands leadership over when the other has the whole log", () => {
  const group = groupOf(3);
  group.elect(1n);
  group.accepts = ({ to }) => to !== 2n;
  group.core(1n).propose(u64be(1n));
  group.settle();
  assert(group.core(1n).transferLeadership(2n));
  assert(!group.core(1n).propose(u64be(2n)), "it would be lost");
  group.accepts = () => true;
  group.tick(1n, heartbeatTicks);
  assert.equal(group.core(2n).view.role, "leader");
  assert.equal(group.core(1n).view.leader, 2n);
  const requests = group.sent.filter(({ msgType, from }) =>
    msgType === MessageType.REQUEST_VOTE && from === 2n
  );
  assert.deepEqual(requests[0]?.context, CAMPAIGN_TRANSFER);
});

Deno.test("RaftCore gives up a handover that takes too long", () => {
  const group = groupOf(3);
  group.elect(1n);
  group.accepts = ({ to }) => to !== 2n;
  group.core(1n).transferLeadership(2n);
  group.tick(1n, electionTicks);
  assert(group.core(1n).propose(u64be(1n)));
  assert(!group.core(1n).transferLeadership(9n), "a stranger");
  assert(!group.core(1n).transferLeadership(1n), "itself");
  assert(!group.core(3n).transferLeadership(1n), "not the leader");
});

Deno.test("RaftCore takes a conf change once its own first entry is applied, and one at a time", () => {
  const group = groupOf(3, {}, 1);
  group.accepts = ({ msgType }) => msgType !== MessageType.APPEND;
  group.elect(1n);
  assert(!changeTo(group.core(1n), 1n, 2n, 3n, 4n));
  group.accepts = () => true;
  group.tick(1n, heartbeatTicks);
  assert(changeTo(group.core(1n), 1n, 2n, 3n, 4n));
  assert(!changeTo(group.core(1n), 1n, 2n), "the first is pending");
  group.settle();
  assert.deepEqual(votersOf(group.core(4n)), [1n, 2n, 3n, 4n]);
});

Deno.test("RaftCore replaces all voters by a joint configuration that an empty entry leaves", () => {
  const group = groupOf(3, {}, 3);
  group.elect(1n);
  group.core(1n).compact(6n);
  assert(changeTo(group.core(1n), 4n, 5n, 6n));
  group.settle();
  group.tick(1n, 2 * heartbeatTicks);
  for (const id of [4n, 5n, 6n]) assert.deepEqual(votersOf(group.core(id)), [4n, 5n, 6n]);
  const [, leave] = group.applied(2n).filter(({ entryType }) =>
    entryType === EntryType.ENTRY_CONF_CHANGE_V2
  );
  assert.equal(leave?.data.length, 0);
  assert.equal(group.core(1n).view.role, "follower", "it left");
  const leader = [4n, 5n, 6n].find((id) => group.core(id).view.role === "leader");
  assert(leader !== undefined, "the leader that left made another one");
  group.core(leader).propose(u64be(7n));
  group.settle();
  for (const id of [4n, 5n, 6n]) assert.deepEqual(group.applied(id).at(-1)?.data, u64be(7n));
});

Deno.test("RaftCore that leaves makes a voter the leader that it hears", () => {
  for (const dead of [2n, 3n, 4n]) {
    const group = groupOf(4);
    group.elect(1n);
    const core = group.core(1n);
    const applied = core.applied.bind(core);
    let leave = () => {};
    core.applied = (entry, data) => {
      if (!isConfChange(entry)) return applied(entry, data);
      leave = () => applied(entry, data);
    };
    assert(changeTo(core, 2n, 3n, 4n));
    group.settle();
    group.accepts = ({ from, to }) => from !== dead && to !== dead;
    group.tick(1n, electionTicks);
    leave();
    group.settle();
    assert.equal(core.view.role, "follower", "it left");
    const invited = group.sent.filter(({ msgType }) => msgType === MessageType.TIMEOUT_NOW);
    assert.equal(invited.length, 1);
    assert.notEqual(invited[0]?.to, dead);
  }
});

Deno.test("RaftCore that leaves prefers the voter with most of the log", () => {
  const group = groupOf(4);
  group.elect(1n);
  group.accepts = ({ to, msgType }) => to !== 2n || msgType !== MessageType.APPEND;
  assert(changeTo(group.core(1n), 2n, 3n, 4n));
  group.settle();
  const invited = group.sent.filter(({ msgType }) => msgType === MessageType.TIMEOUT_NOW);
  assert.deepEqual(invited.map(({ to }) => to), [3n]);
});

Deno.test("RaftCore grows from 1 voter to 4 and shrinks to another one, and restarts in between", () => {
  const group = groupOf(1, {}, 3);
  group.elect(1n);
  assert(changeTo(group.core(1n), 1n, 2n, 3n, 4n));
  group.settle();
  group.tick(1n, 2 * heartbeatTicks);
  for (const runner of group.runners.values()) runner.restart();
  group.elect(4n);
  for (const id of [1n, 2n, 3n, 4n]) assert.equal(votersOf(group.core(id)).length, 4);
  assert(changeTo(group.core(4n), 2n));
  group.settle();
  for (const runner of group.runners.values()) runner.restart();
  for (const id of [1n, 3n, 4n]) group.tick(id, 2 * electionTicks);
  assert.equal(group.core(2n).view.role, "follower", "those who left do not campaign");
  group.tick(2n, 2 * electionTicks);
  assert.equal(group.core(2n).view.role, "leader");
});

Deno.test("RaftCore counts votes by the members of its whole log, applied or not", () => {
  const state = bootstrapState([1n, 2n, 3n]);
  const change = differenceTo(membersOf(state.confState), [4n]);
  assert(change !== null);
  const entries = [
    { ...entryAt(5n, 6n, encode(ConfChangeV2, change)), entryType: EntryType.ENTRY_CONF_CHANGE_V2 },
    { ...entryAt(5n, 7n), entryType: EntryType.ENTRY_CONF_CHANGE_V2 },
  ];
  const runner = new CoreRunner(1n, { ...state, entries });
  runner.core.campaign();
  assert.deepEqual(runner.run().map(({ to }) => to), [4n], "the old voters do not decide any more");
  const vote = messageTo1({ msgType: MessageType.REQUEST_VOTE_RESPONSE });
  runner.core.step(vote);
  runner.core.step({ ...vote, from: 3n });
  assert.equal(runner.core.view.role, "candidate");
  runner.core.step({ ...vote, from: 4n });
  assert.equal(runner.core.view.role, "leader");
  runner.run();
  const response = messageTo1({ msgType: MessageType.APPEND_RESPONSE, index: 8n });
  runner.core.step(response);
  runner.core.step({ ...response, from: 3n });
  assert.equal(runner.core.view.log.committed, 5n);
  runner.core.step({ ...response, from: 4n });
  assert.equal(runner.core.view.log.committed, 8n);
  runner.run();
  assert.deepEqual(votersOf(runner.core), [4n]);
  assert.equal(runner.core.view.role, "follower", "it left");
});

Deno.test("RaftCore tells a leader of a lower term about its own", () => {
  const runner = followerOf3();
  const request = messageTo1({ ...VOTE_REQUEST, from: 3n, term: 9n });
  runner.core.step(request);
  runner.run();
  const heartbeat = messageTo1({ msgType: MessageType.HEARTBEAT });
  const [answer] = answersTo(runner, heartbeat);
  assert.deepEqual([answer?.msgType, answer?.term], [MessageType.APPEND_RESPONSE, 9n]);
  runner.core.step(messageTo1({ msgType: MessageType.HEARTBEAT, from: 3n, term: 9n }));
  runner.run();
  assert.equal(answersTo(runner, heartbeat)[0]?.term, 9n, "whoever leads in it");
});

Deno.test("RaftCore tells a candidate of a lower term about its own, unless that has its leader", () => {
  const runner = followerOf3();
  const elected = messageTo1({ msgType: MessageType.HEARTBEAT, from: 3n, term: 9n });
  const campaigning = messageTo1({ ...VOTE_REQUEST, from: 3n, term: 9n });
  answersTo(runner, campaigning);
  const [answer] = answersTo(runner, messageTo1({ ...VOTE_REQUEST, term: 8n }));
  assert.deepEqual(
    [answer?.msgType, answer?.to, answer?.term, answer?.reject],
    [MessageType.REQUEST_VOTE_RESPONSE, 2n, 9n, true],
  );
  answersTo(runner, elected);
  assert.deepEqual(answersTo(runner, messageTo1({ ...VOTE_REQUEST, term: 8n })), []);
});

Deno.test("RaftCore ignores what no peer may send", () => {
  const group = groupOf(3);
  group.elect(1n);
  const { core } = group.runners.get(1n) ?? assert.fail();
  const { term } = core.view;
  const kinds = [MessageType.HUP, MessageType.BEAT, MessageType.PROPOSE, MessageType.UNREACHABLE];
  const entries = [entryAt(0n, 0n, u64be(1n))];
  for (const msgType of [...kinds, MessageType.SNAP_STATUS, MessageType.CHECK_QUORUM]) {
    core.step(messageTo1({ msgType, term: 99n, entries }));
  }
  const stranger = messageTo1({ msgType: MessageType.APPEND_RESPONSE, from: 9n, term: 99n });
  core.step(stranger);
  core.step(messageTo1({ msgType: MessageType.APPEND_RESPONSE, term, index: 1_000n }));
  core.step({ ...messageTo1({ msgType: MessageType.HEARTBEAT, term: 99n }), to: 2n });
  group.settle();
  assert.equal(core.view.role, "leader");
  assert.equal(core.view.term, term);
  assert.equal(core.view.log.committed, 6n);
});

Deno.test("RaftCore ignores numbers that no group comes to, and can go on", () => {
  const limit = 1n << 63n;
  const snapshotAt = (index: bigint, term: bigint) => ({
    data: EMPTY_BYTES,
    metadata: { index, term, confState: bootstrapState([1n]).confState },
  });
  const wrong: Partial<Message>[] = [
    { msgType: MessageType.REQUEST_VOTE, term: 2n ** 64n - 1n },
    { msgType: MessageType.APPEND, index: limit },
    { msgType: MessageType.APPEND, commit: limit },
    { msgType: MessageType.REQUEST_PRE_VOTE, term: 6n, logTerm: limit },
    { msgType: MessageType.REQUEST_VOTE, commitTerm: limit },
    { msgType: MessageType.APPEND_RESPONSE, rejectHint: limit, reject: true },
    { msgType: MessageType.SNAPSHOT, snapshot: snapshotAt(limit, 5n) },
    { msgType: MessageType.SNAPSHOT, snapshot: snapshotAt(9n, 7n) },
  ];
  const runner = followerOf3();
  for (const draft of wrong) {
    assert.deepEqual(answersTo(runner, messageTo1({ msgType: MessageType.APPEND, ...draft })), []);
  }
  assert.equal(runner.core.view.term, 5n);
});

Deno.test("RaftCore follows a term far ahead in steps, so that it finds its group again", () => {
  const jump = 1n << 32n;
  const runner = followerOf3();
  const heartbeat = messageTo1({ msgType: MessageType.HEARTBEAT, term: 5n + 2n * jump + 1n });
  assert.deepEqual(answersTo(runner, heartbeat), []);
  assert.deepEqual([runner.core.view.term, runner.core.view.leader], [5n + jump, 0n]);
  answersTo(runner, heartbeat);
  assert.equal(answersTo(runner, heartbeat).length, 1);
  assert.deepEqual([runner.core.view.term, runner.core.view.leader], [heartbeat.term, 2n]);
});

Deno.test("RaftCore refuses entries that do not follow each other or undo what is committed", () => {
  const runner = followerOf3();
  const append = { msgType: MessageType.APPEND, index: 5n, logTerm: 5n };
  const wrong = [
    [entryAt(6n, 7n)],
    [entryAt(6n, 6n), entryAt(5n, 7n)],
    [entryAt(4n, 6n)],
    [entryAt(7n, 6n)],
  ];
  for (const entries of wrong) {
    assert.deepEqual(answersTo(runner, messageTo1({ ...append, entries })), []);
  }
  answersTo(runner, messageTo1({ ...append, entries: [entryAt(6n, 6n)], commit: 6n }));
  answersTo(runner, messageTo1({ ...append, term: 7n, entries: [entryAt(7n, 6n)] }));
  assert.equal(runner.core.view.log.termAt(6n), 6n);
});

Deno.test("RaftCore commits no further than its log is known to agree", () => {
  const runner = followerOf3();
  const append = { msgType: MessageType.APPEND, index: 5n, logTerm: 5n };
  const entries = [entryAt(6n, 6n), entryAt(6n, 7n)];
  answersTo(runner, messageTo1({ ...append, entries }));
  const other = messageTo1({ ...append, term: 7n, from: 3n, commit: 7n });
  const [empty] = answersTo(runner, other);
  assert.deepEqual([empty?.index, empty?.commit], [5n, 5n]);
  const [one] = answersTo(runner, { ...other, entries: [entryAt(7n, 6n)] });
  assert.deepEqual([one?.index, one?.commit], [6n, 6n]);
  answersTo(runner, messageTo1({ msgType: MessageType.HEARTBEAT, term: 7n, from: 3n, commit: 9n }));
  assert.equal(runner.core.view.log.committed, 6n, "entries that it does not have");
});
