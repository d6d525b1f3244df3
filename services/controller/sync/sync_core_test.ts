import assert from "node:assert/strict";
import fc from "fast-check";
import type { Block } from "../../../proto/gen/blockchain.ts";
import {
  SYNC_BUFFER_SIZE_MAX,
  SYNC_IMPATIENCE_MS,
  SYNC_TIMEOUT_MS,
  SyncCore,
  type SyncTarget,
} from "./mod.ts";

const EMPTY = new Uint8Array();

function block(height: bigint): Block {
  const header = {
    prevhash: EMPTY,
    timestamp: 0n,
    height,
    transactionsRoot: EMPTY,
    proposer: EMPTY,
  };
  return { version: 0, header, body: { body: [] }, proof: EMPTY };
}

function blocks(start: bigint, end: bigint): Block[] {
  const made: Block[] = [];
  for (let height = start; height <= end; height++) made.push(block(height));
  return made;
}

function target(address: string, height: bigint): SyncTarget {
  const status = { version: 0, chainId: EMPTY, height, hash: undefined, address: undefined };
  return { address, status };
}

function core(forceEpoch = 100n): SyncCore {
  return new SyncCore({ interval: 10, requestsMax: 5, forceEpoch });
}

/** Peers that have everything. */
const PEERS = ["a", "b"].map((address) => ({ address, height: 10n ** 18n }));

function view(ownHeight: bigint, nowMs = 0, hasCandidates = false, peers = PEERS.slice(0, 1)) {
  return { ownHeight, nowMs, hasCandidates, peers };
}

function answer(blocks: readonly Block[], size = 100) {
  return { blocks, size };
}

function ranges(sync: SyncCore, ownHeight: bigint, nowMs = 0): string {
  return sync.plan(view(ownHeight, nowMs)).map(({ start, end }) => `${start}-${end}`).join(" ");
}

Deno.test("SyncCore.plan() asks for five windows of ten blocks", () => {
  const sync = core();
  sync.statusSeen(target("a", 50n), 3n);
  assert.equal(ranges(sync, 3n), "4-13 14-23 24-33 34-43 44-50");
  assert.equal(ranges(sync, 3n), "", "the same requests are not sent twice");
});

Deno.test("SyncCore.plan() stays within its reach of a peer that is far ahead", () => {
  const sync = core();
  sync.statusSeen(target("a", 10n ** 18n), 0n);
  assert.equal(ranges(sync, 0n), "1-10 11-20 21-30 31-40 41-50");
});

/** Requests with the peers that they go to. */
function addressed(
  sync: SyncCore,
  { peers, nowMs = 0 }: {
    readonly peers: Readonly<Record<string, bigint>>;
    readonly nowMs?: number;
  },
): string {
  const known = Object.entries(peers).map(([address, height]) => ({ address, height }));
  return sync.plan(view(0n, nowMs, false, known))
    .map(({ address, start, end }) => `${address}:${start}-${end}`).join(" ");
}

Deno.test("SyncCore.plan() spreads the requests over the peers that have the blocks", () => {
  const sync = core();
  sync.statusSeen(target("a", 70n), 0n);
  const peers = { a: 70n, b: 70n, low: 15n };
  assert.equal(
    addressed(sync, { peers }),
    "a:1-10 b:11-20 a:21-30 b:31-40 a:41-50 b:51-60 a:61-70",
    "the first of the least busy ones; the low one has nothing above 15",
  );
});

Deno.test("SyncCore.plan() asks a lower peer for no more than it has", () => {
  const sync = core();
  sync.statusSeen(target("liar", 20n), 0n);
  const peers = { low: 4n, liar: 20n };
  assert.equal(addressed(sync, { peers }), "low:1-4 liar:11-20");
  assert.equal(addressed(sync, { peers }), "liar:5-10", "the rest of that window");
});

Deno.test("SyncCore.plan() asks another peer soon for the block that is needed next", () => {
  const sync = core();
  sync.statusSeen(target("a", 30n), 0n);
  assert.equal(addressed(sync, { peers: { a: 30n } }), "a:1-10 a:11-20 a:21-30");
  const peers = { a: 30n, b: 30n };
  assert.equal(addressed(sync, { peers, nowMs: SYNC_IMPATIENCE_MS - 1 }), "");
  assert.equal(addressed(sync, { peers, nowMs: SYNC_IMPATIENCE_MS }), "b:1-10");
  assert.equal(addressed(sync, { peers, nowMs: SYNC_IMPATIENCE_MS + 1 }), "", "once");
  assert.equal(addressed(sync, { peers, nowMs: 2 * SYNC_IMPATIENCE_MS }), "", "all are asked");
  assert.equal(sync.received("b", answer(blocks(1n, 10n)), 0n)?.length, 10);
  assert.deepEqual(sync.received("a", answer(blocks(1n, 10n)), 0n), [], "it came twice");
});

Deno.test("SyncCore.plan() leaves a peer alone that is late while another has the blocks", () => {
  const sync = core();
  sync.statusSeen(target("a", 200n), 0n);
  const late = SYNC_IMPATIENCE_MS;
  assert.equal(addressed(sync, { peers: { a: 10n, b: 20n } }), "a:1-10 b:11-20");
  sync.received("b", answer(blocks(11n, 20n)), 0n);
  const both = { a: 60n, b: 60n };
  assert.equal(
    addressed(sync, { peers: both, nowMs: late }),
    "b:1-10 b:21-30 b:31-40 b:41-50 b:51-60",
  );
  sync.received("b", answer(blocks(1n, 10n)), 0n);
  for (let height = 0n; height < 20n; height++) sync.takeNext(height);
  sync.endRun();
  // its request is still open although the blocks came from the other one
  const known = [{ address: "a", height: 90n }, { address: "b", height: 70n }];
  const next = sync.plan(view(20n, late, false, known));
  assert.deepEqual(next.map(({ address, start }) => `${address}:${start}`), [
    "b:61",
    "a:71",
    "a:81",
  ]);
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS), ["a"], "nor is it forgotten");
});

Deno.test("SyncCore.received() keeps no more bytes than there is room for, but the next block", () => {
  const sync = core();
  sync.statusSeen(target("a", 30n), 0n);
  ranges(sync, 0n);
  assert.equal(
    sync.received("a", answer(blocks(11n, 20n), SYNC_BUFFER_SIZE_MAX - 9), 0n)?.length,
    10,
  );
  assert.deepEqual(sync.received("a", answer(blocks(21n, 30n)), 0n), []);
  assert.deepEqual(sync.received("a", answer(blocks(1n, 10n)), 0n), [1n]);
  assert.equal(ranges(sync, 0n), "", "nothing is asked for while it is full");
  assert.notEqual(sync.takeNext(0n), null);
  assert.equal(ranges(sync, 1n), "2-10", "the next block is missing again");
});

Deno.test("SyncCore.plan() does not ask again for blocks that are being applied", () => {
  const sync = core();
  sync.statusSeen(target("a", 10n), 0n);
  ranges(sync, 0n);
  sync.received("a", answer(blocks(1n, 10n)), 0n);
  for (let height = 0n; height < 4n; height++) sync.takeNext(height);
  assert.equal(ranges(sync, 0n), "");
  sync.endRun();
  assert.equal(ranges(sync, 0n), "1-4", "they were void");
});

Deno.test("SyncCore.received() counts a message with all of its bytes", () => {
  const sync = core();
  sync.statusSeen(target("a", 30n), 0n);
  ranges(sync, 0n);
  // one block that was asked for, and others beside it
  const padded = [...blocks(11n, 11n), ...blocks(100n, 400n)];
  assert.deepEqual(sync.received("a", answer(padded, SYNC_BUFFER_SIZE_MAX), 0n), [11n]);
  assert.deepEqual(sync.received("a", answer(blocks(21n, 30n)), 0n), []);
});

Deno.test("SyncCore.plan() leaves the block alone that consensus is deciding on", () => {
  const sync = core();
  sync.statusSeen(target("a", 8n), 7n);
  assert.deepEqual(sync.plan(view(7n, 0, true)), []);
  sync.statusSeen(target("a", 9n), 7n);
  assert.equal(sync.plan(view(7n, 0, true)).length, 1);
});

Deno.test("SyncCore.statusSeen() follows the highest peer that is not below this node", () => {
  const sync = core();
  sync.statusSeen(target("a", 5n), 9n);
  const followed = () => sync.target?.address ?? "nobody";
  assert.equal(followed(), "nobody");
  sync.statusSeen(target("a", 10n), 9n);
  sync.statusSeen(target("b", 10n), 9n);
  assert.equal(followed(), "a");
  sync.statusSeen(target("b", 11n), 9n);
  assert.equal(followed(), "b");
});

Deno.test("SyncCore.received() refuses an answer with a block without header, wherever it is", () => {
  const headless = { ...block(1n), header: undefined };
  for (const made of [[headless], [headless, block(2n)], [block(1n), headless]]) {
    const sync = core();
    sync.statusSeen(target("a", 10n), 0n);
    ranges(sync, 0n);
    assert.equal(sync.received("a", answer(made), 0n), null);
  }
});

Deno.test("SyncCore.received() takes asked blocks of the asked peer only", () => {
  const sync = core();
  sync.statusSeen(target("a", 15n), 0n);
  assert.equal(ranges(sync, 0n), "1-10 11-15");
  assert.deepEqual(sync.received("b", answer(blocks(1n, 10n)), 0n), []);
  assert.deepEqual(sync.received("a", answer(blocks(3n, 5n)), 0n), []);
  assert.deepEqual(sync.received("a", answer([]), 0n), []);
  // more than was asked for is cut off
  assert.equal(sync.received("a", answer(blocks(11n, 40n)), 0n)?.length, 5);
  assert.equal(sync.bufferedCount, 5);
  assert.equal(sync.takeNext(0n), null);
  assert.equal(sync.received("a", answer(blocks(1n, 10n)), 0n)?.length, 10);
  assert.equal(sync.takeNext(0n)?.block.header?.height, 1n);
  assert(sync.isSyncing);
});

Deno.test("SyncCore.received() asks again for what a partial answer left out", () => {
  const sync = core();
  sync.statusSeen(target("a", 10n), 0n);
  sync.plan(view(0n));
  sync.received("a", answer(blocks(1n, 4n)), 0n);
  assert.equal(ranges(sync, 0n), "5-10");
});

Deno.test("SyncCore.received() refuses a block without header", () => {
  const sync = core();
  sync.statusSeen(target("a", 10n), 0n);
  sync.plan(view(0n));
  const bad = [block(1n), { ...block(2n), header: undefined }];
  assert.equal(sync.received("a", answer(bad), 0n), null);
});

Deno.test("SyncCore.expire() gives up lost requests and asks for less at once", () => {
  const sync = core();
  sync.statusSeen(target("a", 30n), 0n);
  assert.equal(ranges(sync, 0n), "1-10 11-20 21-30");
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS - 1), []);
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS), ["a"]);
  assert.equal(ranges(sync, 0n, SYNC_TIMEOUT_MS), "1-5 6-10 11-15 16-20 21-25");
});

Deno.test("SyncCore.forgetPeer() asks another peer for all runs of a bad one", () => {
  const sync = core();
  sync.statusSeen(target("a", 20n), 0n);
  sync.plan(view(0n));
  sync.received("a", answer(blocks(1n, 10n)), 0n);
  sync.forgetPeer("a");
  sync.retarget("a", target("b", 20n));
  assert.equal(sync.bufferedCount, 0);
  assert.equal(ranges(sync, 0n), "1-10 11-20");
});

Deno.test("SyncCore.hasWaited() is true once a height stood still, whoever claims to be higher", () => {
  const sync = core();
  assert(!sync.hasWaited(5n, 0), "nobody is higher");
  sync.statusSeen(target("a", 9n), 5n);
  ranges(sync, 5n, 1_000);
  const dueMs = 1_000 + SYNC_IMPATIENCE_MS;
  assert(!sync.hasWaited(5n, dueMs - 1));
  sync.statusSeen(target("b", 99n), 5n);
  ranges(sync, 5n, dueMs - 1);
  assert(sync.hasWaited(5n, dueMs), "another claim does not make it wait longer");
  assert(!sync.hasWaited(6n, dueMs), "a block came");
});

Deno.test("SyncCore.plan() ends syncing when nobody is higher", () => {
  const sync = core();
  sync.statusSeen(target("a", 1n), 0n);
  sync.plan(view(0n));
  sync.received("a", answer(blocks(1n, 1n)), 0n);
  sync.takeNext(0n);
  assert(sync.isSyncing);
  assert.deepEqual(sync.plan(view(1n)), []);
  assert(!sync.isSyncing);
});

Deno.test("SyncCore.statusSeen() asks again at heights of the forced epoch", () => {
  const sync = core(100n);
  sync.statusSeen(target("a", 99n), 95n);
  assert.equal(ranges(sync, 95n), "96-99");
  sync.statusSeen(target("a", 100n), 95n);
  assert.equal(ranges(sync, 95n), "96-100");
});

/** A core that holds block 6 of a peer and asks for that peer's copy of block 5. */
function asking(): SyncCore {
  const sync = core();
  sync.statusSeen(target("a", 9n), 5n);
  sync.plan(view(5n));
  sync.received("a", answer(blocks(6n, 9n)), 5n);
  const synced = sync.takeNext(5n);
  assert(synced !== null);
  const request = sync.askForTip(synced, { ownHeight: 5n, nowMs: 0 });
  assert.deepEqual(request, { address: "a", start: 5n, end: 5n });
  return sync;
}

Deno.test("SyncCore.askForTip() holds the next block back until the copy is there", () => {
  const sync = asking();
  assert.equal(sync.takeNext(5n), null);
  assert.equal(ranges(sync, 5n), "", "nothing else is missing");
  assert.deepEqual(sync.received("b", answer([block(5n)]), 5n), []);
  assert.deepEqual(sync.received("a", answer([block(4n)]), 5n), []);
  assert.equal(sync.tipOf("a", 5n), null);
  assert.deepEqual(sync.received("a", answer([block(5n)]), 5n), [5n]);
  assert.equal(sync.tipOf("a", 5n)?.header?.height, 5n);
  assert.equal(sync.tipOf("b", 5n), null);
  assert.equal(sync.takeNext(5n)?.block.header?.height, 6n);
});

Deno.test("SyncCore.askForTip() takes one answer of a peer at a height", () => {
  const sync = asking();
  sync.received("a", answer([block(5n)]), 5n);
  const at = { ownHeight: 5n, nowMs: 0 };
  const again = (sender: string) => sync.askForTip({ sender, block: block(6n), size: 1 }, at);
  assert.equal(again("a"), null);
  sync.forgetPeer("a");
  assert.equal(again("a"), null, "also when it comes back");
  assert.equal(again("b")?.address, "b");
  sync.reset();
  assert.equal(again("a")?.address, "a", "until syncing starts afresh");
  sync.received("a", answer([block(5n)]), 5n);
  assert.equal(again("a"), null);
  const next = { sender: "a", block: block(7n), size: 1 };
  assert.deepEqual(sync.askForTip(next, { ownHeight: 6n, nowMs: 0 })?.start, 6n);
});

Deno.test("SyncCore.expire() gives up a question for the tip that nobody answers", () => {
  const sync = asking();
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS - 1), []);
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS), ["a"]);
  assert.equal(sync.bufferedCount, 0);
  assert.equal(ranges(sync, 5n), "6-9");
  assert.notEqual(sync.askForTip({ sender: "a", block: block(6n), size: 1 }, view(5n)), null);
});

Deno.test("SyncCore forgets the question for the tip when the chain moves on", () => {
  const sync = asking();
  assert.equal(sync.takeNext(6n)?.block.header?.height, 7n);
  assert.deepEqual(sync.received("a", answer([block(5n)]), 6n), []);
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS), []);
});

Deno.test("SyncCore gets every block whatever is lost on the way", () => {
  const step = fc.record({ isLost: fc.boolean(), part: fc.integer({ min: 1, max: 10 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.bigInt(1n, 80n), (steps, top) => {
    const sync = core();
    sync.statusSeen(target("a", top), 0n);
    let own = 0n;
    let nowMs = 0;
    const queue = [...steps];
    for (let turn = 0; turn < 400 && own < top; turn++) {
      for (const { start, end } of sync.plan(view(own, nowMs))) {
        const { isLost, part } = queue.shift() ?? { isLost: false, part: 10 };
        assert(start > own && end <= top && end - start < 10n);
        if (isLost) continue;
        const last = start + BigInt(part) - 1n;
        sync.received("a", answer(blocks(start, last < end ? last : end)), own);
      }
      while (sync.takeNext(own) !== null) own++;
      nowMs += 1_000;
      sync.expire(nowMs);
    }
    assert.equal(own, top);
    assert(sync.bufferedCount <= 50);
  }));
});
