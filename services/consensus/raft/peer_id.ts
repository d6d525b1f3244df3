import { type Bytes, readU64be } from "../../../shared/bytes/mod.ts";
import { sipHash13 } from "../../../shared/wal/mod.ts";

/** The number that stands for a node in raft: a hash of its address (spec/consensus.md, 10.1). */
export function peerIdOf(address: Bytes): bigint {
  return readU64be(sipHash13(address).reverse());
}
