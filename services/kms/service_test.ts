import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { KmsServiceService, type SignMessageResponse } from "../../proto/gen/kms.ts";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { describeTable } from "../../shared/config/mod.ts";
import { loadSuite, type SuiteName } from "../../shared/crypto/mod.ts";
import { openKmsDb } from "../../shared/kms_db/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../shared/log/mod.ts";
import { connect, rawRequest, RpcCode, RpcFault } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { CRYPTO_ETH_TABLE, KMS_ETH_TABLE } from "./eth/config.ts";
import { CRYPTO_SM_TABLE, KMS_SM_TABLE } from "./sm/config.ts";
import { manyOf } from "./checker/testing/transactions.ts";
import { startKms } from "./start.ts";
import { KMS_DEFAULTS, type ServedKms, withServedKms } from "./testing/served_kms.ts";

// spec/storage_kms.md, C2
const ETH_KEY = fromHex("ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690");
const SUITES: readonly SuiteName[] = ["sm", "eth"];
const sm = await loadSuite("sm");
const eth = await loadSuite("eth");

function recordingLogger(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { log: { ...SILENT_LOGGER, info: write, warn: write, error: write }, lines };
}

function isFault(code: RpcCode, details?: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof RpcFault && error.code === code &&
    (details === undefined || error.details === details);
}

/** A refused signature is zero bytes of the usual size. */
function assertRefused(
  { status, signature }: SignMessageResponse,
  wanted: { readonly code: StatusCode; readonly size: number },
): void {
  assert.equal(status?.code, wanted.code);
  assert.equal(toHex(signature), "00".repeat(wanted.size));
}

/** Adds accounts as cloud-config does: beside the running service. */
async function importKey({ path }: ServedKms, secretKey: Uint8Array): Promise<bigint> {
  const suite = secretKey === ETH_KEY ? eth : sm;
  const db = await openKmsDb({ path, password: "123456", suite });
  const { keyId } = db.insertAccount(secretKey, "imported privkey");
  db.close();
  return keyId;
}

Deno.test("GetCryptoInfo tells the sizes of both flavours", async () => {
  const expected = { sm: "0a001202736d18202080012814", eth: "0a0012036574681820204128" + "14" };
  for (const suite of SUITES) {
    await withServedKms({ suite }, async ({ callRaw }) => {
      assert.equal(await callRaw("GetCryptoInfo", ""), expected[suite]);
    });
  }
});

for (const suite of SUITES) {
  Deno.test(`GenerateKeyPair of kms_${suite} counts from 1 and its keys sign`, async () => {
    await withServedKms({ suite }, async ({ client, callRaw }) => {
      assert.match(await callRaw("GenerateKeyPair", ""), /^08011214[0-9a-f]{40}$/);
      const { keyId, address } = await client.generateKeyPair({ Description: "钥匙 \0 '" });
      assert.equal(keyId, 2n);
      assert.equal(address.length, 20);
      const msg = new Uint8Array(32).fill(0x11);
      const { status, signature } = await client.signMessage({ keyId, msg });
      assert.equal(status?.code, 0);
      const recovered = await client.recoverSignature({ msg, signature });
      assert.deepEqual(recovered, { status: { code: 0 }, address });
    });
  });
}

Deno.test("SignMessage of kms_eth is deterministic and wants 32 bytes", async () => {
  const { log, lines } = recordingLogger();
  await withServedKms({ suite: "eth", log }, async (kms) => {
    const { client } = kms;
    const keyId = await importKey(kms, ETH_KEY);
    const msg = fromHex("b89e7eff6b01597e70a78d65bccd2f92d534b75a07b281cc12f17f3359d9a940");
    const { signature } = await client.signMessage({ keyId, msg });
    assert.equal(
      toHex(signature),
      "d998725f626fcd28273644b3af2368201a1bd2276418194589c55d6c4b6538d2" +
        "65fc16efbb6ff91a038c459b5fa5129c7b672986527098a50f78befe8a890f5a01",
    );
    for (const size of [0, 31, 33, 64]) {
      const refused = await client.signMessage({ keyId, msg: new Uint8Array(size) });
      assertRefused(refused, { code: StatusCode.SignError, size: 65 });
    }
    for (const keyId of [0n, 2n, 2n ** 63n, 2n ** 64n - 1n]) {
      const refused = await client.signMessage({ keyId, msg: new Uint8Array() });
      assertRefused(refused, { code: StatusCode.NotFoundAccount, size: 65 });
    }
    assert(lines.includes("sign_message get account(id: 2) failed: NotFoundAccount"));
  });
});

Deno.test("CheckTransactions answers the lowest failing index and logs it", async () => {
  const { log, lines } = recordingLogger();
  await withServedKms({ suite: "eth", log }, async ({ client }) => {
    assert.deepEqual(await client.checkTransactions({ body: [] }), { code: 0 });
    const utxo = {
      transaction: undefined,
      transactionHash: fromHex("abcd"),
      witnesses: [],
    };
    const body = [{ tx: { $case: "utxoTx" as const, value: utxo } }, { tx: undefined }];
    assert.deepEqual(await client.checkTransactions({ body }), { code: StatusCode.InvalidWitness });
    assert.equal(lines.at(-1), "check_raw_tx tx(0xabcd) failed: InvalidWitness");
    const [, empty] = body;
    assert(empty !== undefined);
    assert.deepEqual(await client.checkTransactions({ body: [empty] }), {
      code: StatusCode.NoneRawTx,
    });
    assert.equal(lines.at(-1), "check_raw_tx tx(0x) failed: NoneRawTx");
  });
});

Deno.test("a long CheckTransactions does not hold up other calls", async () => {
  await withServedKms({ suite: "sm" }, async ({ client, port }) => {
    const definition = rawRequest(KmsServiceService, "checkTransactions");
    const raw = connect(definition, { port, deadlineMs: 60_000 });
    const finished: string[] = [];
    const batch = raw.checkTransactions(manyOf(sm, 5_000)).then(({ code }) => {
      finished.push("batch");
      return code;
    });
    for (let i = 0; i < 5; i++) await client.hashData({ data: fromHex("") });
    finished.push("hashes");
    assert.equal(await batch, 0);
    raw.close();
    assert.deepEqual(finished, ["hashes", "batch"]);
  });
});

Deno.test("CheckTransactions of malformed bytes is answered as by other methods", async () => {
  await withServedKms({ suite: "sm" }, async ({ callRaw }) => {
    const details = "the request cannot be decoded";
    for (const [method, request] of [["HashData", "0a05aa"], ["CheckTransactions", "0a05aa"]]) {
      const call = callRaw(method ?? "", request ?? "");
      await assert.rejects(call, isFault(RpcCode.Internal, details), method);
    }
  });
});

Deno.test("startKms() stops while a batch is checked", async () => {
  await withFolder(async (folder) => {
    const { log, lines } = recordingLogger();
    const config = { ...KMS_DEFAULTS, db_path: `${folder}/kms.db`, db_key: "secret" };
    const kms = await startKms("sm", { config, clock: SYSTEM_CLOCK, log });
    const client = connect(rawRequest(KmsServiceService, "checkTransactions"), kms);
    const batch = Promise.allSettled([client.checkTransactions(manyOf(sm, 60_000))]);
    await client.hashData({ data: fromHex("") });
    await kms.stop(); // most machines take longer than the two seconds of grace
    const [outcome] = await batch;
    assert(outcome !== undefined);
    if (outcome.status === "fulfilled") assert.equal(outcome.value.code, 0);
    else assert(outcome.reason instanceof RpcFault && outcome.reason.isTransport);
    client.close();
    assert.equal(lines.at(-1), "start grpc server!");
  });
});

Deno.test("HashData takes more than the 4 MiB that gRPC allows by default", async () => {
  await withServedKms({ suite: "eth" }, async ({ client }) => {
    const data = new Uint8Array(6_000_000).fill(1);
    const { hash } = await client.hashData({ data });
    assert(hash !== undefined);
    assert.equal(toHex(hash.hash), toHex(eth.hash(data)));
    const verified = await client.verifyDataHash({ data, hash: hash.hash });
    assert.equal(verified.code, 0);
  });
});

Deno.test("kms goes on after any request bytes", async () => {
  const methods = Object.keys(KmsServiceService);
  const tag = fc.constantFrom("0a", "12", "08", "0aff01", "0a02", "1a00", "");
  const requests = fc.tuple(
    fc.constantFrom(...methods),
    fc.tuple(tag, fc.uint8Array({ maxLength: 40 })).map(([tag, rest]) => tag + toHex(rest)),
  );
  await withServedKms({ suite: "sm" }, async ({ callRaw }) => {
    await fc.assert(
      fc.asyncProperty(requests, async ([method, request]) => {
        try {
          await callRaw(method, request);
        } catch (error) {
          // undecodable bytes, also a description that is not UTF-8
          assert(isFault(RpcCode.Internal)(error), String(error));
        }
      }),
      { numRuns: 150 },
    );
    await assert.rejects(callRaw("GenerateKeyPair", "0a01ff"), isFault(RpcCode.Internal));
    assert.equal(await callRaw("GetCryptoInfo", ""), "0a001202736d18202080012814");
  });
});

Deno.test("kms answers with codes when the key database fails", async () => {
  await withServedKms({ suite: "sm" }, async (kms) => {
    const { client, path } = kms;
    await client.generateKeyPair({ Description: "" });
    const raw = new DatabaseSync(path);
    raw.prepare("update account set privkey = ?").run(new Uint8Array(5));
    const msg = new Uint8Array(32);
    const damaged = await client.signMessage({ keyId: 1n, msg });
    assertRefused(damaged, { code: StatusCode.ConstructKeyPairError, size: 128 });
    raw.exec("drop table account");
    raw.close();
    const lost = await client.signMessage({ keyId: 1n, msg });
    assertRefused(lost, { code: StatusCode.NotFoundAccount, size: 128 });
    const wanted = isFault(RpcCode.InvalidArgument, "InsertAccountError");
    await assert.rejects(client.generateKeyPair({ Description: "" }), wanted);
  });
});

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("startKms() logs its start as the reference kms does", async () => {
  await withFolder(async (folder) => {
    const { log, lines } = recordingLogger();
    const config = { ...KMS_DEFAULTS, db_path: `${folder}/kms.db`, db_key: "secret" };
    const first = await startKms("sm", { config, clock: SYSTEM_CLOCK, log });
    await first.stop();
    assert.deepEqual(lines, [
      "grpc port of this service: 0",
      `db path of this service: ${folder}/kms.db`,
      "password of the key database is from config.toml",
      "get config failed, create new config",
      "store new config",
      "curve implementation: wasm",
      "start grpc server!",
    ]);
    lines.length = 0;
    const second = await startKms("sm", { config, clock: SYSTEM_CLOCK, log });
    await second.stop();
    assert.deepEqual(lines.slice(3, 6), [
      "get old config: type is sm",
      "verify config",
      "config check ok!",
    ]);
  });
});

Deno.test("startKms() refuses a wrong password and a port that is taken", async () => {
  await withFolder(async (folder) => {
    const config = { ...KMS_DEFAULTS, db_path: `${folder}/kms.db`, db_key: "secret" };
    const context = { config, clock: SYSTEM_CLOCK, log: SILENT_LOGGER };
    const kms = await startKms("eth", context);
    const other = { ...config, db_key: "other" };
    await assert.rejects(startKms("eth", { ...context, config: other }), /password mismatch!/);
    const samePort = { ...config, kms_port: kms.port };
    await assert.rejects(startKms("eth", { ...context, config: samePort }), /Cannot listen on/);
    await kms.stop();
  });
});

Deno.test("README.md documents the tables as they are declared", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", import.meta.url));
  // the formatter aligns the columns of Markdown tables
  const squeeze = (markdown: string) => markdown.replace(/ /g, "").replace(/-+/g, "-");
  for (const table of [KMS_SM_TABLE, CRYPTO_SM_TABLE]) {
    assert(squeeze(readme).includes(squeeze(describeTable(table))), table.name);
  }
  assert.equal(describeTable(KMS_ETH_TABLE), describeTable(KMS_SM_TABLE));
  assert.equal(describeTable(CRYPTO_ETH_TABLE), describeTable(CRYPTO_SM_TABLE));
});
