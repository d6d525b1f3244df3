import assert from "node:assert/strict";
import fc from "fast-check";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { SYNC_TIMEOUT_MS, SyncCore, type SyncTarget } from "./mod.ts";

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

function view(ownHeight: bigint, nowMs = 0, hasCandidates = false) {
  return { ownHeight, nowMs, hasCandidates };
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
  for (const answer of [[headless], [headless, block(2n)], [block(1n), headless]]) {
    const sync = core();
    sync.statusSeen(target("a", 10n), 0n);
    ranges(sync, 0n);
    assert.equal(sync.received("a", answer, 0n), null);
  }
});

Deno.test("SyncCore.received() takes asked blocks of the asked peer only", () => {
  const sync = core();
  sync.statusSeen(target("a", 15n), 0n);
  assert.equal(ranges(sync, 0n), "1-10 11-15");
  assert.deepEqual(sync.received("b", blocks(1n, 10n), 0n), []);
  assert.deepEqual(sync.received("a", blocks(3n, 5n), 0n), []);
  assert.deepEqual(sync.received("a", [], 0n), []);
  // more than was asked for is cut off
  assert.equal(sync.received("a", blocks(11n, 40n), 0n)?.length, 5);
  assert.equal(sync.bufferedCount, 5);
  assert.equal(sync.takeNext(0n), null);
  assert.equal(sync.received("a", blocks(1n, 10n), 0n)?.length, 10);
  assert.equal(sync.takeNext(0n)?.block.header?.height, 1n);
  assert(sync.isSyncing);
});

Deno.test("SyncCore.received() asks again for what a partial answer left out", () => {
  const sync = core();
  sync.statusSeen(target("a", 10n), 0n);
  sync.plan(view(0n));
  sync.received("a", blocks(1n, 4n), 0n);
  assert.equal(ranges(sync, 0n), "5-10");
});

Deno.test("SyncCore.received() refuses a block without header", () => {
  const sync = core();
  sync.statusSeen(target("a", 10n), 0n);
  sync.plan(view(0n));
  const bad = [block(1n), { ...block(2n), header: undefined }];
  assert.equal(sync.received("a", bad, 0n), null);
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
  sync.received("a", blocks(1n, 10n), 0n);
  sync.forgetPeer("a");
  sync.retarget("a", target("b", 20n));
  assert.equal(sync.bufferedCount, 0);
  assert.equal(ranges(sync, 0n), "1-10 11-20");
});

Deno.test("SyncCore.plan() ends syncing when nobody is higher", () => {
  const sync = core();
  sync.statusSeen(target("a", 1n), 0n);
  sync.plan(view(0n));
  sync.received("a", blocks(1n, 1n), 0n);
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
  sync.received("a", blocks(6n, 9n), 5n);
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
  assert.deepEqual(sync.received("b", [block(5n)], 5n), []);
  assert.deepEqual(sync.received("a", [block(4n)], 5n), []);
  assert.equal(sync.tipOf("a", 5n), null);
  assert.deepEqual(sync.received("a", [block(5n)], 5n), [5n]);
  assert.equal(sync.tipOf("a", 5n)?.header?.height, 5n);
  assert.equal(sync.tipOf("b", 5n), null);
  assert.equal(sync.takeNext(5n)?.block.header?.height, 6n);
});

Deno.test("SyncCore.askForTip() takes one answer of a peer at a height", () => {
  const sync = asking();
  sync.received("a", [block(5n)], 5n);
  const at = { ownHeight: 5n, nowMs: 0 };
  const again = (sender: string) => sync.askForTip({ sender, block: block(6n) }, at);
  assert.equal(again("a"), null);
  sync.forgetPeer("a");
  assert.equal(again("a"), null, "also when it comes back");
  assert.equal(again("b")?.address, "b");
  sync.reset();
  assert.equal(again("a")?.address, "a", "until syncing starts afresh");
  sync.received("a", [block(5n)], 5n);
  assert.equal(again("a"), null);
  const next = { sender: "a", block: block(7n) };
  assert.deepEqual(sync.askForTip(next, { ownHeight: 6n, nowMs: 0 })?.start, 6n);
});

Deno.test("SyncCore.expire() gives up a question for the tip that nobody answers", () => {
  const sync = asking();
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS - 1), []);
  assert.deepEqual(sync.expire(SYNC_TIMEOUT_MS), ["a"]);
  assert.equal(sync.bufferedCount, 0);
  assert.equal(ranges(sync, 5n), "6-9");
  assert.notEqual(sync.askForTip({ sender: "a", block: block(6n) }, view(5n)), null);
});

Deno.test("SyncCore forgets the question for the tip when the chain moves on", () => {
  const sync = asking();
  assert.equal(sync.takeNext(6n)?.block.header?.height, 7n);
  assert.deepEqual(sync.received("a", [block(5n)], 6n), []);
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
        sync.received("a", blocks(start, last < end ? last : end), own);
      }
      while (sync.takeNext(own) !== null) own++;
      nowMs += 1_000;
      sync.expire(nowMs);
    }
    assert.equal(own, top);
    assert(sync.bufferedCount <= 50);
  }));
});
