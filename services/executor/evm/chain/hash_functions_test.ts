/** What hashes with the function of the chain, and what with Keccak-256 on every chain (section 2). */

import assert from "node:assert/strict";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { sm3 as sm3Hex } from "sm-crypto";
import type { Receipt } from "../../../../proto/gen/evm.ts";
import { type Bytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { LogBlooms } from "../bloom.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { deploy, push, pushAll } from "../../testing/code.ts";
import { TestChain } from "../../testing/test_chain.ts";
import { executorHash, type Header } from "./header.ts";

const parts = await loadChainParts();
const [sm3, keccak] = parts.hashes as [HashFunction, HashFunction];

/** Logs SHA3, EXTCODEHASH, the address of a CREATE2 and of a CREATE, SHA-256, and BLOCKHASH of 1. */
const HASHES = [
  `${push(0x616263)}600052${pushAll(3, 29)}20`,
  "303f",
  pushAll(5, 3, 29, 0) + "f5",
  pushAll(3, 29, 0) + "f0",
  `${pushAll(32, 64, 3, 29, 2)}5afa50604051`,
  "600140",
].map((code) => `${code}${pushAll(0, 0)}a1`).join("");

interface Run {
  readonly receipt: Receipt;
  readonly roots: readonly string[];
  /** Headers of the blocks 1 and 2, the second one with the receipt. */
  readonly headers: readonly [Header, Header];
}

/** Executes the same blocks on a chain of either kind. */
function run(hash: HashFunction): Run {
  const test = new TestChain(parts, hash);
  const to = "3c952d36207c0d52743a646e7ac2649009bd358e";
  const genesis = test.grow();
  const first = test.grow({ data: deploy(HASHES) });
  const { header } = test.chain;
  const second = test.grow({ to });
  const [receipt] = second.receipts;
  assert.equal(receipt?.errorMessage, "");
  const roots = [genesis, first, second].map(({ root }) => root);
  return { receipt, roots, headers: [header, test.chain.header] };
}

const topicsOf = ({ logs }: Receipt) =>
  logs.map(({ topics }) => toHex(topics[0] ?? new Uint8Array()));

Deno.test("states, addresses, SHA3 and blooms are by Keccak on an SM3 chain as well", () => {
  const [bySm3, byKeccak] = [run(sm3), run(keccak)];
  assert.deepEqual(bySm3.roots, byKeccak.roots);
  assert.equal(bySm3.roots[0], toHex(keccak_256(Uint8Array.of(0x80))));
  assert.deepEqual(topicsOf(bySm3.receipt).slice(0, 5), topicsOf(byKeccak.receipt).slice(0, 5));
  const [sha3, codeHash, salted] = topicsOf(bySm3.receipt);
  assert.equal(sha3, toHex(keccak_256(fromHex("616263"))));
  assert.equal(codeHash, toHex(keccak_256(fromHex(HASHES))));
  const preimage = `ff3c952d36207c0d52743a646e7ac2649009bd358e${"5".padStart(64, "0")}${sha3}`;
  assert.equal(salted, toHex(keccak_256(fromHex(preimage)).subarray(12)).padStart(64, "0"));
  const bloom = new LogBlooms(keccak_256).of(bySm3.receipt.logs);
  assert.equal(toHex(bySm3.receipt.logsBloom), toHex(bloom));
});

Deno.test("hashes of blocks, also those that BLOCKHASH gives, are by the function of the chain", () => {
  const [bySm3, byKeccak] = [run(sm3), run(keccak)];
  const sm3OfOthers = (bytes: Bytes) => fromHex(sm3Hex([...bytes]));
  for (const [ran, hash] of [[bySm3, sm3OfOthers], [byKeccak, keccak_256]] as const) {
    const [first, second] = ran.headers;
    assert.equal(topicsOf(ran.receipt)[5], toHex(executorHash(first, hash)));
    assert.equal(toHex(ran.receipt.blockHash), toHex(executorHash(second, hash)));
  }
  assert.notEqual(topicsOf(bySm3.receipt)[5], topicsOf(byKeccak.receipt)[5]);
});
