import assert from "node:assert/strict";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { EMPTY_BYTES, equalBytes, u64be } from "../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { Region } from "./regions.ts";
import { openLevelEngine } from "./engines/level/open.ts";
import { startStorage } from "./start.ts";
import { buildBlock, buildTransaction, hashOf } from "./testing/builders.ts";
import { serveFakeKms } from "./testing/fake_kms.ts";

type StorageClient = RpcClient<typeof StorageServiceService>;

interface Folder {
  /** Starts the service in the folder, gives a client to `use`, and stops it. */
  serve(use: (storage: StorageClient) => Promise<void>, kmsPort?: number): Promise<void>;
}

async function withFolder(use: (folder: Folder) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "storage_start_" });
  const serve: Folder["serve"] = async (useClient, kmsPort = 1) => {
    const config = { db_path: `${path}/data`, max_open_file: 512 };
    const running = await startStorage({
      ports: { storage_port: 0, kms_port: kmsPort },
      log: SILENT_LOGGER,
      openEngine: () => openLevelEngine(config, { log: SILENT_LOGGER }),
      deleteFullBlockCode: StatusCode.BadRegion,
    });
    const storage = connect(StorageServiceService, { port: running.port });
    try {
      await useClient(storage);
    } finally {
      storage.close();
      await running.stop();
    }
  };
  // a server may be closed behind the last store, when the runtime forgets timers that were not
  // set yet (shared/level/heartbeat.ts): it must not end meanwhile
  const beat = setInterval(() => {}, 20);
  try {
    await use({ serve });
  } finally {
    clearInterval(beat);
    await Deno.remove(path, { recursive: true });
  }
}

const FULL_BLOCK = {
  region: Region.FullBlock,
  key: u64be(5n),
  value: buildBlock({ body: { body: [buildTransaction(hashOf(10))] } }),
};

Deno.test("a storage that stops and starts again has what it stored", () =>
  withFolder(async ({ serve }) => {
    const kms = await serveFakeKms();
    const global = { region: Region.Global, key: u64be(0n) };
    await serve(async (storage) => {
      assert.deepEqual(await storage.store({ ...global, value: u64be(5n) }), { code: 0 });
      assert.deepEqual(await storage.store(FULL_BLOCK), { code: 0 });
    }, kms.port);
    await kms.close();
    await serve(async (storage) => {
      assert(equalBytes((await storage.load(global)).value, u64be(5n)));
      const { status, value } = await storage.load(FULL_BLOCK);
      assert.equal(status?.code, StatusCode.Success);
      assert(equalBytes(value, FULL_BLOCK.value));
    });
  }));

Deno.test("values of 20 MB, also in a full block, pass through", () =>
  withFolder(async ({ serve }) => {
    const kms = await serveFakeKms();
    await serve(async (storage) => {
      const value = new Uint8Array(20_000_000).fill(7);
      const record = { region: Region.Transactions, key: hashOf(1), value };
      assert.equal((await storage.store(record)).code, StatusCode.Success);
      assert(equalBytes((await storage.load(record)).value, value));
      const huge = {
        $case: "normalTx" as const,
        value: {
          transactionHash: hashOf(2),
          transaction: undefined,
          witness: { signature: value, sender: EMPTY_BYTES },
        },
      };
      const block = { ...FULL_BLOCK, value: buildBlock({ body: { body: [{ tx: huge }] } }) };
      assert.equal((await storage.store(block)).code, StatusCode.Success);
      assert(equalBytes((await storage.load(block)).value, block.value));
    }, kms.port);
    await kms.close();
  }));

Deno.test("a full block is refused with 300 while the kms is away, and stored when it is back", () =>
  withFolder(async ({ serve }) => {
    const away = await serveFakeKms();
    await away.close();
    await serve(async (storage) => {
      const refused = await storage.store(FULL_BLOCK);
      assert.equal<number>(refused.code, StatusCode.KmsServerNotReady);
      const { status } = await storage.load({ region: Region.Transactions, key: hashOf(10) });
      assert.equal(status?.code, StatusCode.NotFound);
      const kms = await serveFakeKms(undefined, away.port);
      const giveUpMs = performance.now() + 5_000;
      let code: number = refused.code;
      while (code !== StatusCode.Success && performance.now() < giveUpMs) {
        code = (await storage.store(FULL_BLOCK)).code;
      }
      assert.equal(code, StatusCode.Success);
      await kms.close();
    }, away.port);
  }));

Deno.test("the status of the kms becomes the answer to a full block", () =>
  withFolder(async ({ serve }) => {
    const answers = [
      { answer: { status: { code: 301 }, hash: { hash: hashOf(1) } }, code: 301 },
      { answer: { status: undefined, hash: { hash: hashOf(1) } }, code: 2 },
      { answer: { status: { code: 0 }, hash: undefined }, code: 301 },
      { answer: { status: { code: 77 }, hash: undefined }, code: 1 },
      { answer: { status: { code: 0 }, hash: { hash: hashOf(1).subarray(1) } }, code: 146 },
    ];
    const queue = answers.map(({ answer }) => answer);
    const kms = await serveFakeKms(() =>
      Promise.resolve(queue.shift() ?? { status: undefined, hash: undefined })
    );
    await serve(async (storage) => {
      for (const { code } of answers) assert.equal((await storage.store(FULL_BLOCK)).code, code);
    }, kms.port);
    await kms.close();
  }));

Deno.test("many callers at a time are all answered, and read what they wrote", () =>
  withFolder(({ serve }) =>
    serve(async (storage) => {
      const keys = [...Array(300).keys()].map((i) => u64be(BigInt(i)));
      const codes = await Promise.all(keys.map(async (key) => {
        const { code } = await storage.store({ region: Region.Proof, key, value: key });
        const { value } = await storage.load({ region: Region.Proof, key });
        return code === StatusCode.Success && equalBytes(value, key);
      }));
      assert(codes.every((isRight) => isRight));
    })
  ));

Deno.test("startStorage() frees the folder when the port is taken", () =>
  withFolder(async ({ serve }) => {
    const path = await Deno.makeTempDir({ prefix: "storage_start_" });
    const kms = await serveFakeKms();
    const start = (port: number) =>
      startStorage({
        ports: { storage_port: port, kms_port: 1 },
        log: SILENT_LOGGER,
        openEngine: () =>
          openLevelEngine({ db_path: path, max_open_file: 512 }, { log: SILENT_LOGGER }),
        deleteFullBlockCode: StatusCode.BadRegion,
      });
    await assert.rejects(start(kms.port), /Cannot listen on 127\.0\.0\.1/);
    const running = await start(0);
    await running.stop();
    await kms.close();
    await Deno.remove(path, { recursive: true });
    await serve(() => Promise.resolve());
  }));
