import assert from "node:assert/strict";
import {
  Block,
  BlockHeader,
  RawTransactions,
  Transaction,
  UtxoTransaction,
} from "../../proto/gen/blockchain.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../bytes/mod.ts";
import { encode } from "../codec/mod.ts";
import { type HashFunction, loadKeccak256, loadSm3 } from "../crypto/mod.ts";
import {
  decodeProposal,
  encodeBlock,
  encodeProposal,
  genesisBlock,
  hashBlockHeader,
  hashTransaction,
  hashUtxoTransaction,
  transactionsRoot,
} from "./mod.ts";

const ZERO_32 = new Uint8Array(32);
const CHAIN_ID = fromHex("63586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4");

async function suites(): Promise<{ sm3: HashFunction; keccak: HashFunction }> {
  return { sm3: await loadSm3(), keccak: await loadKeccak256() };
}

function hashes(of: (hash: HashFunction) => Uint8Array) {
  return suites().then(({ sm3, keccak }) => [toHex(of(sm3)), toHex(of(keccak))]);
}

function genesisHeader(timestamp: bigint, prevhash: Uint8Array): BlockHeader {
  const { header } = genesisBlock({ timestamp, prevhash });
  assert(header);
  return header;
}

Deno.test("transactionsRoot() takes as many hashes as any peer may send", async () => {
  const { sm3 } = await suites();
  const count = 300_000;
  const root = transactionsRoot(sm3, Array.from({ length: count }, () => Uint8Array.of(7)));
  assert.deepEqual(root, sm3(new Uint8Array(count).fill(7)));
});

Deno.test("hashBlockHeader() gives V1, the genesis of a chain with a zero prevhash", async () => {
  const header = genesisHeader(1642573944688n, ZERO_32);
  assert.equal(
    toHex(encode(BlockHeader, header)),
    `0a20${"0".repeat(64)}10f0aea588e72f2220${"0".repeat(64)}2a20${"0".repeat(64)}`,
  );
  assert.deepEqual(await hashes((hash) => hashBlockHeader(hash, header)), [
    "f049ea0686771ec3db291ef03a411d371224c679772352698fa7e769721fb868",
    "18598985632e9a076411c87ecd401e7640e3975a47b1796b1a18e95c5226293c",
  ]);
});

Deno.test("hashBlockHeader() gives V2, the genesis of a short prevhash", async () => {
  const header = genesisHeader(123456n, fromHex("010203040506"));
  assert.deepEqual(await hashes((hash) => hashBlockHeader(hash, header)), [
    "5d95fd7e5b98a6b3d83b4cca2970d666c3984cab84016779422b0c3b8a05539d",
    "1b6a1f0da414baf4a430a02a165e476abfdec357d8de02e070643950a718e6de",
  ]);
});

Deno.test("hashTransaction() gives V3, a contract call", async () => {
  const transaction: Transaction = {
    version: 0,
    to: fromHex("a4582f4966bdef3a2839e2f256a714426508ddb7"),
    nonce: "12345678901234567890",
    quota: 1073741824n,
    validUntilBlock: 95n,
    data: fromHex("4f2be91f"),
    value: ZERO_32,
    chainId: CHAIN_ID,
  };
  assert.equal(encode(Transaction, transaction).length, 126);
  assert.deepEqual(await hashes((hash) => hashTransaction(hash, transaction)), [
    "51290dde75b8704de654b5c604c39bad75d3ec9f54f4b76c9726df7a2345ec99",
    "048aea207450183942280ca6dff65665c3daa7bdb3d0b00d19152ec6f3096f5d",
  ]);
});

Deno.test("hashTransaction() gives V4, a contract creation", async () => {
  const transaction: Transaction = {
    version: 0,
    to: EMPTY_BYTES,
    nonce: "0",
    quota: 3000000n,
    validUntilBlock: 100n,
    data: fromHex("6080"),
    value: ZERO_32,
    chainId: CHAIN_ID,
  };
  assert.deepEqual(await hashes((hash) => hashTransaction(hash, transaction)), [
    "60885e73d998e17cc5f09cdd21ff21b5881d9534a719c38f4acd5e7b91dcd47a",
    "fda4a3a5d00000c9e9257a824ce4d8fe4a4bf9299e40a30afd97470e0dcdb0c5",
  ]);
});

Deno.test("hashUtxoTransaction() gives V5 and V6, changes of the system configuration", async () => {
  const change = (lockId: bigint, output: string): UtxoTransaction => ({
    version: 0,
    preTxHash: new Uint8Array(33),
    output: fromHex(output),
    lockId,
  });
  const cases: [UtxoTransaction, string, string][] = [
    [
      change(1003n, "00000006"),
      "2841262b17abd77ae610a0fba0f5647b309ac035bde907fae002c23f91201872",
      "1c5bbe3e86db46b343313355f5d701ec987e607ade414772c798af9d7c91d627",
    ],
    [
      change(1005n, "00"),
      "5b5aaa42b4312fb204a156d279e0f98805e62a98cdf9293c4d5f361fcefc3d88",
      "45b1e290278d1124cbfe23d0ca37336bedf80324f9903a92ebc8fa1ed1da2692",
    ],
    [
      change(1005n, ""),
      "11ec5306f8f4ba98feaa5d6ce225a3d01fc968665d2f277695a3754685240653",
      "42a3af8564f53b7b4e33d87458f508623c074ab09ec0369d553d361d6150a4a1",
    ],
  ];
  for (const [utxo, sm, eth] of cases) {
    assert.deepEqual(await hashes((hash) => hashUtxoTransaction(hash, utxo)), [sm, eth]);
  }
});

Deno.test("encodeProposal() gives V7 and V8, the first empty block and its proposal", async () => {
  const { sm3 } = await suites();
  const header: BlockHeader = {
    prevhash: hashBlockHeader(sm3, genesisHeader(1642573944688n, ZERO_32)),
    timestamp: 1642573947688n,
    height: 1n,
    transactionsRoot: transactionsRoot(sm3, []),
    proposer: fromHex("262a554f4a34884aa1c2ec04786349ee9c62fb98"),
  };
  assert.equal(
    toHex(hashBlockHeader(sm3, header)),
    "180c73a021caf48c45deceaf62e14f2c0dc17fe2e338d1bc12b3a014e0f24055",
  );
  const preStateRoot = new Uint8Array(32).fill(0x11);
  const block = { version: 0, header, body: { body: [] }, proof: fromHex("ffff") };
  const data = encodeProposal({ preStateRoot, preProof: EMPTY_BYTES, block });
  assert.equal(data.length, 142);
  assert.equal(
    toHex(sm3(data)),
    "905b303cdc2bc84f7a458915674364e77bb571d0fcd8d6b84e3b16d4603d255b",
  );
  assert.deepEqual(decodeProposal(data)?.proposal?.header, header);
});

Deno.test("hashBlockHeader() gives V7 on a Keccak chain", async () => {
  const { keccak } = await suites();
  const header: BlockHeader = {
    prevhash: hashBlockHeader(keccak, genesisHeader(1642573944688n, ZERO_32)),
    timestamp: 1642573947688n,
    height: 1n,
    transactionsRoot: transactionsRoot(keccak, []),
    proposer: fromHex("262a554f4a34884aa1c2ec04786349ee9c62fb98"),
  };
  assert.equal(
    toHex(hashBlockHeader(keccak, header)),
    "e8dfa0c14197f1da28b5c8fb5e0998dd5370337b9e20f44e6a907b8231b197db",
  );
});

Deno.test("encodeBlock() gives what the codec gives", () => {
  const raw = (quota: bigint) => {
    const transaction = Transaction.create({ quota });
    const value = { transaction, transactionHash: ZERO_32, witness: undefined };
    return { tx: { $case: "normalTx" as const, value } };
  };
  for (const proof of [EMPTY_BYTES, fromHex("ffff")]) {
    for (const body of [[], [raw(1n), raw(2n)]]) {
      for (const version of [0, 1]) {
        const block = { version, header: genesisHeader(1n, ZERO_32), body: { body }, proof };
        const encodedBody = encode(RawTransactions, block.body);
        assert.deepEqual(encodeBlock(block, encodedBody), encode(Block, block));
      }
    }
  }
});

Deno.test("decodeProposal() refuses bytes that are no proposal", () => {
  assert.equal(decodeProposal(fromHex("ff")), null);
  assert.equal(decodeProposal(EMPTY_BYTES), null);
});
