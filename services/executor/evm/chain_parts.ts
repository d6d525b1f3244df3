import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { LogBlooms } from "./bloom.ts";
import type { ChainParts } from "./chain/chain.ts";
import type { EvmConfig } from "./config.ts";
import { loadFastKeccak } from "./keccak.ts";
import { loadPrecompiles } from "./precompiles/mod.ts";

/** What a chain is made of besides its records: functions, and rules that the configuration sets. */
export async function loadChainParts(config: EvmConfig): Promise<Omit<ChainParts, "reader">> {
  const { eth_compatibility, amend_transactions, sync_mode, states_kept } = config;
  const keccak = await loadFastKeccak();
  return {
    natives: { keccak, blooms: new LogBlooms(keccak), precompiles: await loadPrecompiles() },
    hashes: [await loadSm3(), keccak],
    isEthCompatible: eth_compatibility,
    amends: amend_transactions,
    statesKept: sync_mode === "full" ? states_kept : null,
    clock: SYSTEM_CLOCK,
  };
}
