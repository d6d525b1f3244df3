import assert from "node:assert/strict";
import { Block, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { Hash, HashResponse, StatusCode } from "../../../proto/gen/common.ts";
import { Receipt, RPCServiceService as EvmService } from "../../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../../proto/gen/executor.ts";
import {
  GenerateKeyPairRequest,
  GenerateKeyPairResponse,
  HashDataRequest,
  KmsServiceService,
  RecoverSignatureRequest,
  RecoverSignatureResponse,
  SignMessageRequest,
  SignMessageResponse,
} from "../../../proto/gen/kms.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode, type MessageCodec } from "../../../shared/codec/mod.ts";
import { freePort } from "../../free_ports.ts";
import { Player, withFolder } from "./player.ts";

// No chain of the eth flavours was recorded: these values are those of spec/storage_kms.md, C1 to
// C3, and spec/executor_evm.md, 17.3.

const ZERO_HASH = new Uint8Array(32);
const ADDRESS = fromHex("9ab7994b45ccba88b4dc4ee07f5ef7fddc088888");

const SIGNATURES = [
  {
    msg: fromHex("706b3416b3719437a4d84d09368727d5e260cf2c408e1095e31ccec801a9c5a9"),
    signature: fromHex(
      "9e41021538d26c79ff37f38bcc2d3cb203c0e4e64add1b85a86abb17da54ad8a" +
        "38ecf1fb56478a9c770a69a41504421ce2d6ea299ac49fcbae8d43f9905ec5f600",
    ),
  },
  {
    msg: new Uint8Array(32).fill(0x11),
    signature: fromHex(
      "68f6e64f895b5ffc5aa450e5c0d430b94a15c930f14d1142505a5fc64f06fab1" +
        "03a967e4e3665f00faeb1730b1c69ee4bcb58c335894f258550e4255ee206b4c01",
    ),
  },
];

const TRANSACTION_HASH = fromHex(
  "b89e7eff6b01597e70a78d65bccd2f92d534b75a07b281cc12f17f3359d9a940",
);
const TRANSACTION_SIGNATURE = fromHex(
  "d998725f626fcd28273644b3af2368201a1bd2276418194589c55d6c4b6538d2" +
    "65fc16efbb6ff91a038c459b5fa5129c7b672986527098a50f78befe8a890f5a01",
);

async function send(player: Player, { path }: { path: string }, request: Bytes): Promise<Bytes> {
  const answer = await player.call(path, request);
  assert("hex" in answer, `${path} answers ${JSON.stringify(answer)}`);
  return fromHex(answer.hex);
}

async function startKms(folder: string): Promise<Player> {
  const port = freePort();
  const config = `[kms_eth]\nkms_port = ${port}\n`;
  return await Player.start({ role: "kms", folder, config, port });
}

async function hashOf(kms: Player, data: Bytes): Promise<Bytes> {
  const answer = await send(kms, KmsServiceService.hashData, encode(HashDataRequest, { data }));
  return decode(HashResponse, answer).hash?.hash ?? new Uint8Array();
}

function transactionOf(sender: Bytes): Bytes {
  const transaction = {
    version: 0,
    to: new Uint8Array(20).fill(0x01),
    nonce: "12345",
    quota: 3_000_000n,
    validUntilBlock: 95n,
    data: fromHex("abcd"),
    value: ZERO_HASH,
    chainId: fromHex("63586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4"),
  };
  const witness = { signature: TRANSACTION_SIGNATURE, sender };
  const value = { transaction, transactionHash: TRANSACTION_HASH, witness };
  return encode(RawTransactions, { body: [{ tx: { $case: "normalTx", value } }] });
}

Deno.test("bin/kms as kms_eth hashes, recovers and signs as specified", async () => {
  await withFolder(async (folder) => {
    await using kms = await startKms(folder);
    const ask = async <Message>(
      method: { path: string },
      request: Bytes,
      codec: MessageCodec<Message>,
    ) => decode(codec, await send(kms, method, request));
    const { getCryptoInfo, recoverSignature, checkTransactions } = KmsServiceService;
    const info = await send(kms, getCryptoInfo, new Uint8Array());
    assert.equal(toHex(info), "0a0012036574681820204128" + "14");
    for (const signed of SIGNATURES) {
      const request = encode(RecoverSignatureRequest, signed);
      const { status, address } = await ask(recoverSignature, request, RecoverSignatureResponse);
      assert.deepEqual([status?.code, toHex(address)], [0, toHex(ADDRESS)]);
    }
    const rivtower = await hashOf(kms, new TextEncoder().encode("rivtower"));
    assert.equal(toHex(rivtower), toHex(SIGNATURES[0]?.msg ?? ZERO_HASH));
    const check = async (sender: Bytes) =>
      (await ask(checkTransactions, transactionOf(sender), StatusCode)).code;
    assert.deepEqual([await check(ADDRESS), await check(ADDRESS.slice(1))], [0, 138]);
    await expectSigning(kms);
    assert.equal(await kms.stop(), 0);
  });
});

async function expectSigning(kms: Player): Promise<void> {
  const { generateKeyPair, signMessage, recoverSignature } = KmsServiceService;
  const made = decode(
    GenerateKeyPairResponse,
    await send(kms, generateKeyPair, encode(GenerateKeyPairRequest, { Description: "" })),
  );
  assert.equal(made.keyId, 1n);
  const sign = async (msg: Bytes) => {
    const request = encode(SignMessageRequest, { keyId: 1n, msg });
    return decode(SignMessageResponse, await send(kms, signMessage, request));
  };
  const msg = await hashOf(kms, new Uint8Array());
  const [first, second, wrongSize] = [await sign(msg), await sign(msg), await sign(msg.slice(1))];
  assert.equal(toHex(first.signature), toHex(second.signature), "RFC 6979 has no randomness");
  const request = encode(RecoverSignatureRequest, { msg, signature: first.signature });
  const recovered = decode(RecoverSignatureResponse, await send(kms, recoverSignature, request));
  assert.equal(toHex(recovered.address), toHex(made.address));
  assert.equal(wrongSize.status?.code, 305);
  assert.equal(toHex(wrongSize.signature), "00".repeat(65));
}

const FIRST_TIMESTAMP_MS = 1_600_000_000_000n;
const BLOCK_INTERVAL_MS = 3_000n;

function blockOf(
  height: bigint,
  header: { prevhash: Bytes; transactionsRoot: Bytes; proposer: Bytes },
  body: RawTransactions,
): Bytes {
  const timestamp = FIRST_TIMESTAMP_MS + BLOCK_INTERVAL_MS * height;
  return encode(Block, {
    version: 0,
    header: { ...header, height, timestamp },
    body,
    proof: new Uint8Array(),
  });
}

function storeTransaction(transactionHash: Bytes): RawTransactions {
  const transaction = {
    version: 0,
    to: fromHex("ffffffffffffffffffffffffffffffffff010000"),
    nonce: "",
    quota: 30_000n,
    validUntilBlock: 0n,
    data: fromHex("abcd"),
    value: ZERO_HASH,
    chainId: new Uint8Array(),
  };
  const witness = { signature: new Uint8Array(), sender: new Uint8Array(20).fill(0xaa) };
  const value = { transaction, transactionHash, witness };
  return { body: [{ tx: { $case: "normalTx", value } }] };
}

Deno.test("bin/executor on a chain of kms_eth has the specified roots and header hashes", async () => {
  await withFolder(async (folder) => {
    await using kms = await startKms(folder);
    const port = freePort();
    const config = `[executor_evm]\nexecutor_port = ${port}\n`;
    await using executor = await Player.start({ role: "executor", folder, config, port });
    const exec = async (block: Bytes) => {
      const answer = await send(executor, ExecutorServiceService.exec, block);
      const { status, hash } = decode(HashResponse, answer);
      return [status?.code, toHex(hash?.hash ?? new Uint8Array())];
    };
    const genesis = {
      prevhash: ZERO_HASH,
      transactionsRoot: await hashOf(kms, new Uint8Array()),
      proposer: ZERO_HASH,
    };
    assert.deepEqual(await exec(blockOf(0n, genesis, { body: [] })), [
      0,
      "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    ]);
    const transactionHash = await hashOf(kms, new TextEncoder().encode("tx-1"));
    const first = {
      prevhash: fromHex("034333ea9c35a59f205f09ca45a70a43ad7e797e0290494f4adb70f8ddaf1e01"),
      transactionsRoot: await hashOf(kms, transactionHash),
      proposer: new Uint8Array(20).fill(0xcc),
    };
    assert.deepEqual(await exec(blockOf(1n, first, storeTransaction(transactionHash))), [
      0,
      "0474a865ec56b9898b430e2d54a7c2a684714c2b9a16a413c33d6367192f0d90",
    ]);
    const request = encode(Hash, { hash: transactionHash });
    const receipt = decode(
      Receipt,
      await send(executor, EvmService.getTransactionReceipt, request),
    );
    assert.equal(
      toHex(receipt.blockHash),
      "0d861608fc74d957789560b065fd7526fcaf83b78164ad0f160db36bb0f50158",
    );
    assert.deepEqual([await executor.stop(), await kms.stop()], [0, 0]);
  });
});
