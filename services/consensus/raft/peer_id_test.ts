import assert from "node:assert/strict";
import { fromHex } from "../../../shared/bytes/mod.ts";
import { peerIdOf } from "./peer_id.ts";

Deno.test("peerIdOf() gives the vectors of spec/consensus.md, section 10.1", () => {
  const vectors: [address: string, id: bigint][] = [
    ["7e29cd5aef9b02bba74019c444bdc13a4d3b1bad", 5781187883854342957n],
    ["37d1c7449bfe76fe9c445e626da06265e9377601", 3583429071940599737n],
    ["ab".repeat(20), 10108870419824002563n],
    ["", 15130871412783076140n],
    ["31", 11582886058036617813n],
    ["31323334", 3703828457150584135n],
  ];
  for (const [address, id] of vectors) assert.equal(peerIdOf(fromHex(address)), id, address);
});

Deno.test("peerIdOf() gives the voters of the recorded chain", () => {
  // validators and conf state of shared/vectors/chain_raft_p2p
  assert.equal(peerIdOf(fromHex("96698fc5da952c5ba694733ab20ceba163a27cb8")), 8049358608032111441n);
  assert.equal(
    peerIdOf(fromHex("50dddca8b0464828e04cba269b026620408c7896")),
    17047215787538985376n,
  );
});
