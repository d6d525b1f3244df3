import type { BlockNumber } from "../../../../proto/gen/evm.ts";
import { HASH_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../../../shared/bytes/mod.ts";
import { checkSize } from "../../fields.ts";
import type { Chain } from "./chain.ts";
import { executorHash, type Header } from "./header.ts";
import { readHeightOfHash } from "./records.ts";

/** The name of a block, of which one part is given. */
export type BlockLabel = NonNullable<BlockNumber["label"]>;

/**
 * The header of the block that a client of 6.7 names, null when no executed block has that name
 * (spec/executor_evm.md, section 16). As the reference has it, "pending" is the last executed block
 * and "latest", or any other tag, the one before it; a hash is the executor's own, which receipts
 * show.
 *
 * @throws {FieldError} for a hash that is none
 */
export function findHeader(chain: Chain, label: BlockLabel): Header | null {
  switch (label.$case) {
    case "height":
      return chain.headerAt(label.value);
    case "hash":
      checkSize("block_number.hash", label.value, HASH_SIZE);
      return headerOf(chain, label.value);
    case "tag":
      return chain.headerAt(heightOfTag(label.value, chain.header.height));
  }
}

/** A chain that was set back may have another block at the height of a hash. */
function headerOf(chain: Chain, hash: Bytes): Header | null {
  const height = readHeightOfHash(chain.reader, hash);
  const header = height === null ? null : chain.headerAt(height);
  if (header === null || !equalBytes(executorHash(header, chain.hash), hash)) return null;
  return header;
}

function heightOfTag(tag: string, current: bigint): bigint {
  if (tag === "earliest" || current === 0n) return 0n;
  return tag === "pending" ? current : current - 1n;
}
