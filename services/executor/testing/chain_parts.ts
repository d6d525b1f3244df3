import { loadSm3 } from "../../../shared/crypto/mod.ts";
import type { ChainParts } from "../evm/chain/chain.ts";
import { loadFastKeccak } from "../evm/keccak.ts";
import { loadPrecompiles } from "../evm/precompiles/mod.ts";

/** The parts of a chain that need no disk, as the executable has them. */
export async function loadChainParts(): Promise<Omit<ChainParts, "reader">> {
  const keccak = await loadFastKeccak();
  return {
    natives: { keccak, precompiles: await loadPrecompiles() },
    hashes: [await loadSm3(), keccak],
    isEthCompatible: false,
    amends: false,
  };
}
