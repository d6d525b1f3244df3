import assert from "node:assert/strict";
import { Message, MessageType } from "../../../proto/gen/eraftpb.ts";
import { fromHex, u64be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { messageOf } from "./core/messages.ts";
import { Mailbook, type MailEffect } from "./mailbook.ts";

const OWN = 0x503ae7c014ee2b2dn;
const PEER = 0x31bae5c14ed3bfb9n;
const PROBE = send("probe", 0n, u64be(OWN));

function send(type: string, origin: bigint, body: Uint8Array): MailEffect {
  return { kind: "send", message: { type, origin, body } };
}

function heartbeat(from: bigint, to: bigint): Message {
  return messageOf({ msgType: MessageType.HEARTBEAT, from, to, term: 6n, commit: 5n });
}

function newBook(electionTicks = 50): Mailbook {
  return new Mailbook(OWN, electionTicks);
}

function bookThatKnows(...peers: readonly (readonly [id: bigint, origin: bigint])[]): Mailbook {
  const book = newBook();
  for (const [id, origin] of peers) book.receive({ type: "probe-resp", origin, msg: u64be(id) });
  return book;
}

Deno.test("a probe is answered with the own id, and tells the way to who sent it", () => {
  const book = newBook();
  assert.deepEqual(book.receive({ type: "probe", origin: 3n, msg: u64be(PEER) }), [
    send("probe-resp", 3n, fromHex("503ae7c014ee2b2d")),
  ]);
  assert.equal(book.originOf(PEER), 3n);
});

Deno.test("the answer to a probe tells the way and is not answered", () => {
  const book = newBook();
  assert.deepEqual(book.receive({ type: "probe-resp", origin: 2n, msg: u64be(PEER) }), []);
  const message = heartbeat(OWN, PEER);
  assert.deepEqual(book.send(message), [send("raft", 2n, encode(Message, message))]);
});

Deno.test("a message to an unknown node is dropped and everyone is asked", () => {
  assert.deepEqual(newBook().send(heartbeat(OWN, PEER)), [PROBE]);
});

Deno.test("a raft message is delivered, its session is where the sender is reached from now on", () => {
  const book = bookThatKnows([PEER, 2n]);
  const message = heartbeat(PEER, OWN);
  const msg = encode(Message, message);
  assert.deepEqual(book.receive({ type: "raft", origin: 9n, msg }), [{ kind: "deliver", message }]);
  assert.equal(book.originOf(PEER), 9n);
});

Deno.test("a raft message to another node is not delivered, its sender is told whom it missed", () => {
  const book = newBook();
  const msg = encode(Message, heartbeat(PEER, 77n));
  assert.deepEqual(book.receive({ type: "raft", origin: 4n, msg }), [
    send("refresh", 4n, u64be(77n)),
  ]);
  assert.equal(book.originOf(PEER), 4n);
});

Deno.test("who is told that a node was missed asks everyone", () => {
  const book = newBook();
  assert.deepEqual(book.receive({ type: "refresh", origin: 4n, msg: u64be(PEER) }), [PROBE]);
});

Deno.test("a failed send forgets the session, and everyone is asked", () => {
  const book = bookThatKnows([PEER, 2n], [77n, 3n]);
  assert.deepEqual(book.sendFailed(2n), [PROBE]);
  assert.equal(book.originOf(PEER), null);
  assert.equal(book.originOf(77n), 3n);
  book.tick();
  // a second message through the same session fails as well: the way was forgotten already
  assert.deepEqual(book.sendFailed(2n), []);
});

Deno.test("a late failure does not forget a session that replaced the one that is gone", () => {
  const book = bookThatKnows([PEER, 2n], [PEER, 5n]);
  assert.deepEqual(book.sendFailed(2n), []);
  assert.equal(book.originOf(PEER), 5n);
});

Deno.test("everyone is asked once a tick at most, and then what was wanted meanwhile is made up for", () => {
  const book = newBook();
  assert.deepEqual(book.probe(), [PROBE]);
  assert.deepEqual(book.tick(), []);
  const refresh = { type: "refresh", origin: 4n, msg: u64be(PEER) };
  assert.deepEqual(book.receive(refresh), [PROBE]);
  assert.deepEqual(book.receive(refresh), []);
  assert.deepEqual(book.send(heartbeat(OWN, PEER)), []);
  assert.deepEqual(book.tick(), [PROBE]);
  assert.deepEqual(book.receive(refresh), []);
  assert.deepEqual(book.tick(), [PROBE]);
  assert.deepEqual(book.tick(), []);
});

Deno.test("malformed messages are refused in the words of the reference", () => {
  const refused: [type: string, msg: string, reason: string][] = [
    ["", "", "unknown msg type"],
    ["Raft", "", "unknown msg type"],
    ["raft", "ff", "can't decode raft msg"],
    ["probe", "", "invalid peer id"],
    ["probe", "00".repeat(9), "invalid peer id"],
    ["probe-resp", "00".repeat(7), "invalid peer id"],
    ["refresh", "00", "invalid peer id"],
  ];
  const book = newBook();
  for (const [type, msg, reason] of refused) {
    const effects = book.receive({ type, origin: 1n, msg: fromHex(msg) });
    assert.deepEqual(effects, [{ kind: "refuse", reason }], `${type} ${msg}`);
  }
  assert.deepEqual(book.probe(), [PROBE], "none of them made it ask");
});

Deno.test("a message without a session teaches nothing and is answered to nobody", () => {
  const book = newBook();
  assert.deepEqual(book.receive({ type: "probe", origin: 0n, msg: u64be(PEER) }), []);
  assert.equal(book.originOf(PEER), null);
});

Deno.test("who pretends to be this node is not believed", () => {
  assert.equal(bookThatKnows([OWN, 3n]).originOf(OWN), null);
});

Deno.test("the book holds 1024 nodes, those heard of last", () => {
  const peers = Array.from({ length: 1_024 }, (_, i) => [BigInt(i + 1), 7n] as const);
  const book = bookThatKnows(...peers, [1n, 8n], [5_000n, 9n]);
  assert.equal(book.originOf(5_000n), 9n);
  assert.equal(book.originOf(1n), 8n);
  assert.equal(book.originOf(2n), null);
  assert.equal(book.originOf(3n), 7n);
});

Deno.test("a request for a vote waits for its way, everyone is asked each tick, and a newer one replaces it", () => {
  const request = (term: bigint) =>
    messageOf({ msgType: MessageType.REQUEST_VOTE, from: OWN, to: PEER, term });
  const book = newBook();
  assert.deepEqual(book.send(request(6n)), [PROBE]);
  assert.deepEqual(book.tick(), [PROBE]);
  assert.deepEqual(book.send(request(7n)), []);
  const sent = send("raft", 3n, encode(Message, request(7n)));
  const learnt = { type: "probe-resp", origin: 3n, msg: u64be(PEER) };
  assert.deepEqual(book.receive(learnt), [sent]);
  assert.deepEqual(book.receive(learnt), []);
  book.tick();
  assert.deepEqual(book.tick(), []);
});

Deno.test("a request for a vote waits as long as an election, and not beside what is sent later", () => {
  const request = messageOf({ msgType: MessageType.REQUEST_PRE_VOTE, from: OWN, to: PEER });
  const learnt = { type: "probe-resp", origin: 3n, msg: u64be(PEER) };
  for (const electionTicks of [10, 70]) {
    const [early, late] = [newBook(electionTicks), newBook(electionTicks)];
    for (const book of [early, late]) {
      book.send(request);
      for (let tick = 1; tick < electionTicks; tick++) book.tick();
    }
    late.tick();
    assert.deepEqual(late.receive(learnt), []);
    assert.equal(early.receive(learnt).length, 1);
  }
  const book = newBook();
  book.send(request);
  book.send(heartbeat(OWN, PEER));
  assert.deepEqual(book.receive(learnt), []);
});
