import { ExitError } from "../../../../shared/cli/mod.ts";
import { exists } from "../../../../shared/files/mod.ts";
import { LevelError, openLevel } from "../../../../shared/level/mod.ts";
import type { OfflineContext } from "../../../../shared/service/mod.ts";
import { Chain } from "../chain/chain.ts";
import { FormatError, MissingRecordError } from "../chain/records.ts";
import { loadChainParts } from "../chain_parts.ts";
import type { EVM_TABLE } from "../config.ts";
import { RlpError } from "../rlp/mod.ts";
import { MissingBlobError } from "../state/committed_state.ts";
import { MalformedNodeError, MissingNodeError } from "../trie/mod.ts";

type Context = Pick<OfflineContext<typeof EVM_TABLE.keys>, "config" | "output">;

/** What a store throws that lost data, or that this version cannot read. */
const FAULTS = [
  FormatError,
  MissingRecordError,
  MissingNodeError,
  MissingBlobError,
  MalformedNodeError,
  RlpError,
];

/**
 * Opens the chain of a data folder and closes it after use. Unlike the service it makes no new
 * folder; what is wrong with one becomes an `ExitError` with code 1.
 */
export async function withChain(
  { config, output }: Context,
  use: (chain: Chain) => Promise<number>,
): Promise<number> {
  const { db_path: path } = config;
  if (!exists(`${path}/CURRENT`)) {
    throw new ExitError(1, `Cannot open "${path}": it must be the data folder of an executor`);
  }
  try {
    const store = await openLevel(path);
    try {
      for (const piece of store.leftOut) output.err(`records may be lost, piece: ${piece}\n`);
      const chain = new Chain({ ...await loadChainParts(config), reader: store });
      if (chain.isEmpty) {
        throw new ExitError(1, `Cannot use "${path}": it must hold an executed block, got none`);
      }
      return await use(chain);
    } finally {
      await store.close();
    }
  } catch (cause) {
    if (cause instanceof LevelError) throw new ExitError(1, levelText(path, cause), { cause });
    if (FAULTS.some((fault) => cause instanceof fault) && cause instanceof Error) {
      throw new ExitError(1, cause.message, { cause });
    }
    throw cause;
  }
}

function levelText(path: string, { reason, message }: LevelError): string {
  if (reason !== "locked") return message;
  return `Cannot open "${path}": stop the executor first, another process has it open`;
}
