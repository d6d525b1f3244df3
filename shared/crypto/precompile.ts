import { ripemd160 as nobleRipemd160 } from "@noble/hashes/legacy.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../bytes/mod.ts";
import { loadEthSuite } from "./eth/suite.ts";

/** What the precompiled contracts of the EVM compute, in every build of the chain. */
export interface PrecompileCrypto {
  sha256(data: Bytes): Bytes;
  /** 20 bytes. */
  ripemd160(data: Bytes): Bytes;
  /** Ethereum address of the signer; the signature is r‖s‖recovery id, a high s is accepted. */
  recoverAddress(hash: Bytes, signature: Bytes): Bytes | null;
}

/** Loads {@linkcode PrecompileCrypto}; the curve is native where that is possible. */
export async function loadPrecompileCrypto(): Promise<PrecompileCrypto> {
  const suite = await loadEthSuite();
  return {
    sha256: (data) => nobleSha256(data),
    ripemd160: (data) => nobleRipemd160(data),
    recoverAddress(hash, signature) {
      const recovery = suite.recover(hash, signature);
      return recovery.kind === "signer" ? recovery.address : null;
    },
  };
}
