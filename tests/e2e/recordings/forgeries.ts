/** Blocks that a node must not take from a peer. */

import assert from "node:assert/strict";
import type { Block } from "../../../proto/gen/blockchain.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { RecordedChain } from "./recorded_chain.ts";

/** One way to serve a wrong block. */
export interface Forgery {
  readonly name: string;
  /** The block that is forged; those below are honest. */
  readonly height: bigint;
  /** Gives the forged block, or null to claim that it is missing. */
  forge(chain: RecordedChain): Block | null;
}

function blockOf(chain: RecordedChain, height: bigint): Block {
  const block = chain.blocks.get(height);
  assert(block !== undefined, `no block ${height} was recorded`);
  return structuredClone(block);
}

/** The bytes with one of them changed. */
export function flipByte(bytes: Bytes, index: number): Bytes {
  return bytes.map((byte, position) => position === index ? byte ^ 1 : byte);
}

/** Where the first signature of a recorded proof of 334 bytes starts (protocol.md 13.6). */
const SIGNATURE_OFFSET = 206;

/** All of them, by ascending height. */
export const FORGERIES: readonly Forgery[] = [
  {
    name: "a signature of the proof is changed",
    height: 1n,
    forge(chain) {
      const block = blockOf(chain, 1n);
      return { ...block, proof: flipByte(block.proof, SIGNATURE_OFFSET + 5) };
    },
  },
  {
    name: "the proof is of another block",
    height: 5n,
    forge: (chain) => ({ ...blockOf(chain, 5n), proof: blockOf(chain, 4n).proof }),
  },
  {
    name: "the proof is empty",
    height: 11n,
    forge: (chain) => ({ ...blockOf(chain, 11n), proof: new Uint8Array() }),
  },
  {
    name: "a transaction is changed",
    height: 12n,
    forge(chain) {
      const block = blockOf(chain, 12n);
      const tx = block.body?.body[0]?.tx;
      assert(tx?.$case === "normalTx" && tx.value.transaction !== undefined);
      tx.value.transaction.quota += 1n;
      return block;
    },
  },
  {
    name: "a transaction is left out",
    height: 12n,
    forge: (chain) => ({ ...blockOf(chain, 12n), body: { body: [] } }),
  },
  {
    name: "the header is changed",
    height: 13n,
    forge(chain) {
      const block = blockOf(chain, 13n);
      assert(block.header !== undefined);
      return { ...block, header: { ...block.header, timestamp: block.header.timestamp + 1n } };
    },
  },
  {
    name: "the header is missing",
    height: 14n,
    forge: (chain) => ({ ...blockOf(chain, 14n), header: undefined }),
  },
  { name: "the block is said to be missing", height: 14n, forge: () => null },
];
