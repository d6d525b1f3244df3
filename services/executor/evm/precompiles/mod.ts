/**
 * The precompiled contracts at the addresses 1 to 8 (spec/executor_evm.md, section 8.1).
 *
 * @module
 */

import { type Bytes, bytesToUint, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { loadPrecompileCrypto, type PrecompileCrypto } from "../../../../shared/crypto/mod.ts";

/** A contract that the machine itself computes. */
export interface Precompile {
  /** Gas that the call needs; with less it is out of gas. */
  gas(input: Bytes): bigint;
  /** The output, or null for an error of the machine that takes all gas of the frame. */
  run(input: Bytes): Bytes | null;
}

/** The contract at an address below 2^53, or undefined where an ordinary account is. */
export type Precompiles = (address: number) => Precompile | undefined;

/** Loads the contracts; `precompiles(1)` is ecrecover. */
export async function loadPrecompiles(): Promise<Precompiles> {
  const table = precompileTable(await loadPrecompileCrypto());
  return (address) => table[address];
}

function precompileTable(crypto: PrecompileCrypto): readonly (Precompile | undefined)[] {
  return [
    undefined,
    { gas: () => 3000n, run: (input) => recover(crypto, input) },
    { gas: (input) => 60n + 12n * wordCount(input), run: (input) => crypto.sha256(input) },
    { gas: (input) => 600n + 120n * wordCount(input), run: (input) => ripemd160(crypto, input) },
    { gas: (input) => 15n + 3n * wordCount(input), run: (input) => input.slice() },
    refused(() => 0n), // modexp
    refused(() => 500n), // addition on bn256
    refused(() => 40_000n), // multiplication on bn256
    refused((input) => 100_000n + 80_000n * BigInt(Math.floor(input.length / 192))), // pairing
  ];
}

/** The chain has a price for these contracts but no code: a call always fails. */
function refused(gas: (input: Bytes) => bigint): Precompile {
  return { gas, run: () => null };
}

function wordCount(input: Bytes): bigint {
  return BigInt(Math.ceil(input.length / 32));
}

/** Order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Upstream's lower bound of r and s, 1 read in the wrong byte order; consensus depends on it. */
const LOWER_BOUND = 1n << 56n;

/** hash, v, r, s of 32 bytes each, padded with zeros; no signer gives an empty output. */
function recover(crypto: PrecompileCrypto, input: Bytes): Bytes {
  const padded = new Uint8Array(128);
  padded.set(input.subarray(0, 128));
  const v = wordAt(padded, 32);
  if (v !== 27n && v !== 28n) return EMPTY_BYTES;
  if (!isScalar(wordAt(padded, 64)) || !isScalar(wordAt(padded, 96))) return EMPTY_BYTES;
  const signature = new Uint8Array(65);
  signature.set(padded.subarray(64, 128));
  signature[64] = Number(v - 27n);
  const address = crypto.recoverAddress(padded.subarray(0, 32), signature);
  return address === null ? EMPTY_BYTES : wordOf(address);
}

function isScalar(value: bigint): boolean {
  return value >= LOWER_BOUND && value < ORDER;
}

function wordAt(bytes: Bytes, offset: number): bigint {
  return bytesToUint(bytes.subarray(offset, offset + 32));
}

function ripemd160(crypto: PrecompileCrypto, input: Bytes): Bytes {
  return wordOf(crypto.ripemd160(input));
}

/** 20 bytes as a word: 12 zero bytes in front. */
function wordOf(bytes: Bytes): Bytes {
  const word = new Uint8Array(32);
  word.set(bytes, 12);
  return word;
}
