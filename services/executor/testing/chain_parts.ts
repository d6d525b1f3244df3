import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import { EVM_TABLE } from "../evm/config.ts";
import type { ChainParts } from "../evm/chain/chain.ts";
import { loadChainParts as load } from "../evm/chain_parts.ts";

/** The parts of a chain that need no disk, as the executable has them by default. */
export function loadChainParts(): Promise<Omit<ChainParts, "reader">> {
  return load(readTable(EVM_TABLE, parseDocument("[executor_evm]", "config.toml")));
}
