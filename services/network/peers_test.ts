import assert from "node:assert/strict";
import { PeerTable } from "./peers.ts";

Deno.test("PeerTable keeps several connections of one address apart by their origins", () => {
  const peers = new PeerTable<string>();
  const address = "/dns4/a/tcp/1";
  peers.add({ origin: 1n, address, session: "first" });
  peers.add({ origin: 2n, address, session: "second" });
  assert.equal(peers.size, 2);
  assert.equal(peers.get(2n)?.session, "second");
  assert.equal(peers.get(3n), undefined);
  assert.deepEqual(peers.netInfos(), [
    { multiAddress: address, origin: 1n },
    { multiAddress: address, origin: 2n },
  ]);
  peers.remove(1n);
  assert.equal(peers.hasAddress(address), true);
  peers.remove(2n);
  peers.remove(2n);
  assert.equal(peers.hasAddress(address), false);
  assert.deepEqual(peers.all(), []);
});

Deno.test("PeerTable.add() refuses an origin that is taken", () => {
  const peers = new PeerTable<null>();
  const peer = { origin: 1n, address: "", session: null };
  peers.add(peer);
  assert.throws(() => peers.add(peer), /origin of its own/);
});
