import assert from "node:assert/strict";
import type { ChainStatus } from "../../../proto/gen/sync.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import {
  checkSameBlock,
  checkSameChain,
  checkStatusAddress,
  isForeignChain,
  NodeTable,
} from "./mod.ts";

function status(height: bigint, changes: Partial<ChainStatus> = {}): ChainStatus {
  return {
    version: 0,
    chainId: new Uint8Array(32),
    height,
    hash: { hash: new Uint8Array(32) },
    address: { address: new Uint8Array(20) },
    ...changes,
  };
}

Deno.test("NodeTable.record() tells new, newer and early statuses apart", () => {
  const table = new NodeTable();
  assert.deepEqual(table.record("a", status(3n), 0), { kind: "new" });
  assert.deepEqual(table.record("a", status(4n), 0), { kind: "updated" });
  const early = { kind: "refused", code: StatusCode.EarlyStatus };
  assert.deepEqual(table.record("a", status(4n), 0), early);
  assert.deepEqual(table.record("a", status(2n), 0), early);
});

Deno.test("NodeTable.misbehave() ignores a node for 30 s, then twice as long", () => {
  const table = new NodeTable();
  const ignored = (nowMs: number) => {
    const outcome = table.record("a", status(BigInt(nowMs) + 1n), nowMs);
    return outcome.kind === "refused" && outcome.code === StatusCode.MisbehaveNode;
  };
  assert(table.misbehave("a", 0));
  assert(ignored(29_999));
  assert(table.misbehave("a", 29_999));
  assert(ignored(29_999 + 59_999));
  assert(!ignored(29_999 + 60_000));
  // freed: the count starts again
  assert(table.misbehave("a", 200_000));
  assert(ignored(229_999));
  assert(!ignored(230_000));
});

Deno.test("NodeTable.misbehave() stops doubling at 3840 s", () => {
  const table = new NodeTable();
  for (let i = 0; i < 40; i++) table.misbehave("a", 0);
  const refused = table.record("a", status(1n), 3_839_999);
  assert.deepEqual(refused, { kind: "refused", code: StatusCode.MisbehaveNode });
  assert.deepEqual(table.record("a", status(1n), 3_840_000), { kind: "new" });
});

Deno.test("NodeTable.ban() lasts and forgets the node", () => {
  const table = new NodeTable();
  table.bind("a", 7n);
  table.record("a", status(1n), 0);
  table.ban("a");
  assert.equal(table.originOf("a"), null);
  assert.deepEqual(table.nodes(), []);
  const refused = table.record("a", status(9n), Number.MAX_SAFE_INTEGER);
  assert.deepEqual(refused, { kind: "refused", code: StatusCode.BannedNode });
  assert(!table.misbehave("a", 0));
});

Deno.test("NodeTable ignores a node only over the session on which it misbehaved", () => {
  for (
    const punish of [
      (table: NodeTable) => table.ban("a"),
      (table: NodeTable) => table.misbehave("a", 0),
    ]
  ) {
    const table = new NodeTable();
    table.bind("a", 7n);
    punish(table);
    table.bind("a", 7n);
    assert.equal(table.record("a", status(1n), 1).kind, "refused");
    table.bind("a", 8n);
    assert.deepEqual(table.record("a", status(1n), 1), { kind: "new" });
  }
});

Deno.test("NodeTable.bind() keeps one node per session and one session per node", () => {
  const table = new NodeTable();
  table.bind("a", 1n);
  table.record("a", status(1n), 0);
  table.bind("a", 2n);
  assert.equal(table.addressOf(1n), null);
  assert.equal(table.originOf("a"), 2n);
  table.bind("b", 2n);
  assert.equal(table.originOf("a"), null);
  assert.deepEqual(table.nodes(), []);
  assert.equal(table.addressOf(2n), "b");
});

Deno.test("NodeTable.retainSessions() unbinds nodes whose session ended", () => {
  const table = new NodeTable();
  table.bind("a", 1n);
  table.bind("b", 2n);
  table.record("a", status(9n), 0);
  table.record("b", status(5n), 0);
  assert.equal(table.highest()?.address, "a");
  table.retainSessions(new Set([2n]));
  assert.equal(table.originOf("a"), null);
  assert.equal(table.highest()?.address, "b");
  assert.equal(table.highest((address) => address !== "b"), null);
  assert.equal(table.nodes().length, 2);
});

Deno.test("checkStatusAddress() wants 20 bytes", () => {
  assert.equal(checkStatusAddress(status(1n)), StatusCode.Success);
  const absent = status(1n, { address: undefined });
  assert.equal(checkStatusAddress(absent), StatusCode.NoProvideAddress);
  const short = status(1n, { address: { address: new Uint8Array(19) } });
  assert.equal(checkStatusAddress(short), StatusCode.ProvideAddressError);
});

Deno.test("isForeignChain() spares peers that differ in the version only", () => {
  const own = status(1n);
  const newer = status(1n, { version: 1 });
  const code = checkSameChain(newer, own);
  assert.equal(code, StatusCode.VersionOrIdCheckError);
  assert(!isForeignChain(code, newer, own));
  const other = status(1n, { chainId: new Uint8Array(32).fill(1) });
  assert(isForeignChain(checkSameChain(other, own), other, own));
  assert(isForeignChain(StatusCode.HashCheckError, own, own));
  assert(!isForeignChain(StatusCode.Success, own, own));
});

Deno.test("checkSameChain() bears with another version at another height", () => {
  const own = status(5n);
  for (const height of [4n, 6n]) {
    assert.equal(checkSameChain(status(height, { version: 1 }), own), StatusCode.Success);
  }
  const code = checkSameChain(status(5n, { version: 1 }), own);
  assert.equal(code, StatusCode.VersionOrIdCheckError);
  const chainId = new Uint8Array(32).fill(1);
  const foreign = checkSameChain(status(6n, { chainId }), own);
  assert.equal(foreign, StatusCode.VersionOrIdCheckError);
});

Deno.test("checkSameBlock() takes a missing hash for a wrong one", () => {
  const hash = new Uint8Array(32);
  assert.equal(checkSameBlock(status(1n), hash), StatusCode.Success);
  assert.equal(checkSameBlock(status(1n, { hash: undefined }), hash), StatusCode.HashCheckError);
});
