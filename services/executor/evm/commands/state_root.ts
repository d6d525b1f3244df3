import { ExitError, type Output } from "../../../../shared/cli/mod.ts";
import type { Chain } from "../chain/chain.ts";
import { chainHash, executorHash, type Header } from "../chain/header.ts";
import { fieldLines, jsonLine } from "./fields.ts";

/** What `executor state-root` was asked for. */
export interface StateRootOptions {
  readonly output: Output;
  /** Null for the last block. */
  readonly height: bigint | null;
  readonly isJson: boolean;
}

/** Command `state-root`: prints what a block came to. */
export function runStateRoot(chain: Chain, { output, height, isJson }: StateRootOptions): number {
  const header = requireExecuted(chain, height);
  // before block 1 nothing tells which function the chain hashes with
  const hash = chain.isHashKnown ? chain.hash : null;
  const { stateRoot, receiptsRoot, transactionsRoot } = header;
  const hashes = {
    blockHash: hash === null ? null : chainHash(header, hash),
    executorHash: hash === null ? null : executorHash(header, hash),
  };
  const found = { height: header.height, stateRoot, receiptsRoot, transactionsRoot, ...hashes };
  output.out(
    isJson ? jsonLine({ ...found, height: Number(found.height) }) : fieldLines({
      "height": found.height,
      "state root": stateRoot,
      "receipts root": hash === null ? null : receiptsRoot,
      "transactions root": transactionsRoot,
      "block hash": hashes.blockHash,
      "executor hash": hashes.executorHash,
    }),
  );
  return 0;
}

/** The header of a height, of the last one for null; an `ExitError` for one that is above. */
export function requireExecuted(chain: Chain, height: bigint | null): Header {
  const last = chain.header.height;
  const header = height === null ? chain.header : chain.headerAt(height);
  if (header !== null) return header;
  throw new ExitError(
    1,
    `Cannot use height ${height}: it must be executed, the last one is ${last}`,
  );
}
