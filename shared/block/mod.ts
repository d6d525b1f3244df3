/**
 * Hashes and encodings of transactions, blocks and proposals (spec/protocol.md, section 13).
 * Every `hash` argument is the chain's hash function; every result is 32 bytes unless said.
 *
 * @module
 */

import {
  Block,
  BlockHeader,
  type CompactBlock,
  type RawTransaction,
  Transaction,
  UtxoTransaction,
} from "../../proto/gen/blockchain.ts";
import { BFTProposal, ProposalEnum } from "../../proto/gen/common.ts";
import { type Bytes, EMPTY_BYTES, joinBytes } from "../bytes/mod.ts";
import { BinaryWriter, encode, tryDecode } from "../codec/mod.ts";
import type { HashFunction } from "../crypto/mod.ts";

/** Size of every hash of a chain, in bytes. */
export const HASH_SIZE = 32;

/** Size of an account or node address, in bytes. */
export const ADDRESS_SIZE = 20;

/** Hash of a normal transaction: fields 1 to 8, not the witness (section 13.1). */
export function hashTransaction(hash: HashFunction, transaction: Transaction): Bytes {
  return hash(encode(Transaction, transaction));
}

/** Hash of a change of the system configuration (section 13.2). */
export function hashUtxoTransaction(hash: HashFunction, transaction: UtxoTransaction): Bytes {
  return hash(encode(UtxoTransaction, transaction));
}

/** The hash that a raw transaction claims to have, of any length; null without a variant. */
export function rawTransactionHash(raw: RawTransaction): Bytes | null {
  return raw.tx === undefined ? null : raw.tx.value.transactionHash;
}

/** Flat hash over the transaction hashes in block order (section 13.3). */
export function transactionsRoot(hash: HashFunction, transactionHashes: readonly Bytes[]): Bytes {
  return hash(joinBytes(transactionHashes));
}

/** The block hash: neither body, proof nor version enters (section 13.3). */
export function hashBlockHeader(hash: HashFunction, header: BlockHeader): Bytes {
  return hash(encode(BlockHeader, header));
}

/** Where the round lies in a proof of consensus_bft, a u64 in little-endian. */
const PROOF_ROUND_OFFSET = 8;

/**
 * The round in which a block was decided, from its proof (section 13.6); null for the first block and
 * for a consensus without proofs.
 */
export function roundOfProof(proof: Bytes): bigint | null {
  if (proof.length < PROOF_ROUND_OFFSET + 8) return null;
  const view = new DataView(proof.buffer, proof.byteOffset, proof.byteLength);
  return view.getBigUint64(PROOF_ROUND_OFFSET, true);
}

/** Values of `[genesis_block]`. */
export interface GenesisParameters {
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: bigint;
  /** Any bytes; 32 zero bytes by default. */
  readonly prevhash: Bytes;
}

/** Block 0 of a chain (section 13.4). */
export function genesisBlock({ timestamp, prevhash }: GenesisParameters): Block {
  const zeroHash = new Uint8Array(HASH_SIZE);
  return {
    version: 0,
    header: {
      prevhash,
      timestamp,
      height: 0n,
      transactionsRoot: zeroHash,
      // 32 bytes, although an address has 20: nodes of the reference agree on that
      proposer: zeroHash,
    },
    body: { body: [] },
    proof: EMPTY_BYTES,
  };
}

/** A block with the transactions replaced by the hashes that they claim. */
export function compactBlock(block: Block): CompactBlock {
  const { version, header, body } = block;
  const txHashes = (body?.body ?? []).map((raw) => rawTransactionHash(raw) ?? EMPTY_BYTES);
  return { version, header, body: { txHashes } };
}

/** Tags of the last fields of `Block` and `BFTProposal`, and of `ProposalEnum`. */
const BLOCK_BODY = 26;
const BLOCK_PROOF = 34;
const BFT_PROPOSAL_BLOCK = 26;
const PROPOSAL_ENUM_BFT = 10;

/** The encoding of a block from that of its body, an encoded `RawTransactions`. */
export function encodeBlock(
  { version, header, proof }: Omit<Block, "body">,
  encodedBody: Bytes,
): Bytes {
  const writer = new BinaryWriter();
  Block.encode({ version, header, body: undefined, proof: EMPTY_BYTES }, writer);
  writer.uint32(BLOCK_BODY).bytes(encodedBody);
  if (proof.length > 0) writer.uint32(BLOCK_PROOF).bytes(proof);
  return writer.finish();
}

/** What a proposal consists of. */
export interface ProposalParts {
  /** Executed-block hash of the previous height. */
  readonly preStateRoot: Bytes;
  /** Proof stored for the previous height; empty for height 1. */
  readonly preProof: Bytes;
  /** The proposed block; its proof is left out of the encoding. */
  readonly block: Block;
}

/** The bytes that consensus agrees on (section 13.6). */
export function encodeProposal({ preStateRoot, preProof, block }: ProposalParts): Bytes {
  const encodedBlock = encode(Block, { ...block, proof: EMPTY_BYTES });
  return wrapProposal({ preStateRoot, preProof, encodedBlock });
}

/** As {@linkcode encodeProposal}, from the encoding of the block without its proof. */
export function wrapProposal({ preStateRoot, preProof, encodedBlock }:
  & Pick<ProposalParts, "preStateRoot" | "preProof">
  & { readonly encodedBlock: Bytes }): Bytes {
  const base = encode(BFTProposal, { preStateRoot, preProof, proposal: undefined });
  const { length } = encodedBlock;
  const head = new BinaryWriter().uint32(BFT_PROPOSAL_BLOCK).uint32(length).finish();
  // in one go: each nested message of the writer would copy the block once more
  return new BinaryWriter()
    .uint32(PROPOSAL_ENUM_BFT).uint32(base.length + head.length + length)
    .raw(base).raw(head).raw(encodedBlock)
    .finish();
}

/** Reads what {@linkcode encodeProposal} wrote; null when it is malformed or has no variant. */
export function decodeProposal(data: Bytes): BFTProposal | null {
  return tryDecode(ProposalEnum, data)?.proposal?.value ?? null;
}
