import { RawTransaction, RawTransactions } from "../../../../proto/gen/blockchain.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { BinaryReader, encode, tryDecode } from "../../../../shared/codec/mod.ts";
import type { CryptoSuite } from "../../../../shared/crypto/mod.ts";
import { checkTransactions } from "../../check_transactions.ts";
import type { Chunk, ChunkReport } from "./chunk.ts";

/** Does the work that a chunk asks for. */
export function checkChunk(
  suite: CryptoSuite,
  { body, isToBeVerified }: Pick<Chunk, "body" | "isToBeVerified">,
): ChunkReport {
  const transactions = decodeElements(body);
  if (transactions === null) return { kind: "irregular" };
  return {
    kind: "checked",
    refusal: isToBeVerified ? checkTransactions(suite, transactions) : null,
  };
}

/**
 * Decodes a `RawTransactions` that is not regular as a whole and encodes what it means.
 *
 * @returns a regular request, null when the given one is malformed
 */
export function normalizeRequest(request: Bytes): Bytes | null {
  const transactions = tryDecode(RawTransactions, request);
  return transactions === null ? null : encode(RawTransactions, transactions);
}

/** Decodes the elements that `BodyWalk` found; null when they are irregular. */
function decodeElements(body: Bytes): RawTransaction[] | null {
  const reader = new BinaryReader(body);
  const transactions: RawTransaction[] = [];
  try {
    while (reader.pos < reader.len) {
      reader.uint32(); // the tag
      const length = reader.uint32();
      const end = reader.pos + length;
      transactions.push(RawTransaction.decode(reader, length));
      if (reader.pos !== end) return null;
    }
  } catch {
    return null; // the runtime only throws for malformed bytes
  }
  return transactions;
}
