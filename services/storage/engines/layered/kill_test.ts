import assert from "node:assert/strict";
import { StorageServiceService } from "../../../../proto/gen/storage.ts";
import { concatBytes, equalBytes, u64be } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { connect, type RpcClient, RpcFault } from "../../../../shared/rpc/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { startService } from "../../../../tests/service_process.ts";
import { freePort } from "../../../../tests/free_ports.ts";
import { LaterRegion } from "../../opendal_store.ts";
import { Region } from "../../regions.ts";
import { buildBlock, buildTransaction, hashOf } from "../../testing/builders.ts";
import { S3_KEYS, S3Server } from "../../testing/s3_server.ts";

const BLOCKS = 30;
const KILLS = 2;
const CAPACITY = 5;
const DEADLINE_MS = 60_000;

const LOG_SETTINGS = `
appenders: {file: {kind: file, path: storage.log}}
root: {level: info, appenders: [file]}
`;

type StorageClient = RpcClient<typeof StorageServiceService>;

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + DEADLINE_MS;
  while (true) {
    try {
      if (await isSo()) return;
    } catch (error) {
      if (!(error instanceof RpcFault)) throw error;
    }
    assert(SYSTEM_CLOCK.monotonicMs() < giveUpMs, "waited in vain");
    await SYSTEM_CLOCK.sleep(20);
  }
}

function blockOf(height: number) {
  const hashes = [1, 2, 3].map((index) =>
    concatBytes(new Uint8Array(24), u64be(BigInt(10 * height + index)))
  );
  return buildBlock({ height: BigInt(height), body: { body: hashes.map(buildTransaction) } });
}

async function storeBlock(storage: StorageClient, height: number): Promise<void> {
  const value = concatBytes(hashOf(height), blockOf(height));
  const region = LaterRegion.AllBlockData;
  const { code } = await storage.store({ region, key: u64be(BigInt(height)), value });
  assert.equal(code, StatusCode.Success);
}

async function assertHasBlocks(storage: StorageClient, count: number): Promise<void> {
  for (let height = 0; height < count; height++) {
    const place = { region: Region.FullBlock, key: u64be(BigInt(height)) };
    const { status, value } = await storage.load(place);
    assert.equal(status?.code, StatusCode.Success, `block ${height}`);
    assert(equalBytes(value, blockOf(height)), `block ${height}`);
  }
}

Deno.test("a storage killed while it copies and removes blocks has them all", async () => {
  await using server = await S3Server.start();
  const folder = await Deno.makeTempDir({ prefix: "storage_layered_" });
  const port = freePort();
  const { accessKeyId, secretAccessKey } = S3_KEYS;
  await Deno.writeTextFile(
    `${folder}/config.toml`,
    `[storage_opendal]
storage_port = ${port}
l1_capacity = 3
l2_capacity = ${CAPACITY}
[storage_opendal.cloud_storage]
service_type = "s3"
endpoint = "${server.endpoint}"
bucket = "${server.bucket}"
access_key_id = "${accessKeyId}"
secret_access_key = "${secretAccessKey}"
backup_interval = 1
retreat_interval = 0
`,
  );
  await Deno.writeTextFile(`${folder}/storage-log4rs.yaml`, LOG_SETTINGS);
  const storage = connect(StorageServiceService, { port });
  const objectCount = () => Array.from(Deno.readDirSync(server.objects)).length;
  let stored = 0;
  for (let round = 0; round <= KILLS; round++) {
    const process = startService("storage", folder);
    try {
      const place = { region: Region.Global, key: u64be(0n) };
      await eventually(async () => (await storage.load(place)).status !== undefined);
      await assertHasBlocks(storage, stored);
      if (round < KILLS) {
        for (let i = 0; i < BLOCKS; i++) await storeBlock(storage, stored++);
        // in the middle of a round: some objects of the new blocks are there, not all
        const before = objectCount();
        await eventually(() => Promise.resolve(objectCount() > before + 100 * (round + 1)));
      } else {
        // the last start ends what the killed ones began
        const isDone = new RegExp(`removed blocks up to ${stored - 1 - CAPACITY} `);
        await eventually(async () => isDone.test(await Deno.readTextFile(`${folder}/storage.log`)));
        await assertHasBlocks(storage, stored);
      }
    } finally {
      process.kill(round < KILLS ? "SIGKILL" : "SIGTERM");
      await process.status;
    }
  }
  storage.close();
  await Deno.remove(folder, { recursive: true });
});
