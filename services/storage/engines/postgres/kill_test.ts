import assert from "node:assert/strict";
import { StorageServiceService } from "../../../../proto/gen/storage.ts";
import { equalBytes, u64be } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { loadSm3 } from "../../../../shared/crypto/mod.ts";
import { connect, type RpcClient, RpcFault } from "../../../../shared/rpc/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { startService } from "../../../../tests/service_process.ts";
import { freePort } from "../../../../tests/free_ports.ts";
import { GroupCommit } from "../../group_commit.ts";
import { Region } from "../../regions.ts";
import { buildService } from "../../testing/builders.ts";
import { postgresFixture } from "../../testing/postgres_fixture.ts";
import { POSTGRES_USER, PostgresServer } from "../../testing/postgres_server.ts";
import { readVectors, type RecordedCall, repeatCall } from "../../testing/vectors.ts";

let server: PostgresServer;
Deno.test.beforeAll(async () => {
  server = await PostgresServer.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

const LOG_SETTINGS = `
appenders: {stdout: {kind: console}}
root: {level: error, appenders: [stdout]}
`;
const WRITERS = 16;
const ANSWERS_PER_ROUND = 300;
const DEADLINE_MS = 60_000;

type StorageClient = RpcClient<typeof StorageServiceService>;

function recordOf(serial: number) {
  return {
    region: Region.Proof,
    key: u64be(BigInt(serial)),
    value: new Uint8Array(200).fill(serial),
  };
}

async function waitUntilServing(storage: StorageClient): Promise<void> {
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + DEADLINE_MS;
  while (true) {
    try {
      await storage.load(recordOf(0));
      return;
    } catch (error) {
      if (!(error instanceof RpcFault) || SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw error;
      await SYSTEM_CLOCK.sleep(20);
    }
  }
}

Deno.test("a storage that is killed gets its table back, with every write it answered", async () => {
  const folder = await Deno.makeTempDir({ prefix: "storage_kill_" });
  const port = freePort();
  const { database, user, password } = POSTGRES_USER;
  await Deno.writeTextFile(
    `${folder}/config.toml`,
    `[storage_postgres]
storage_port = ${port}
port = ${server.port}
database = "${database}"
user = "${user}"
password = "${password}"
`,
  );
  await Deno.writeTextFile(`${folder}/storage-log4rs.yaml`, LOG_SETTINGS);
  const storage = connect(StorageServiceService, { port });
  const answered: number[] = [];
  let serial = 1;
  for (let round = 0; round < 3; round++) {
    const process = startService("storage", folder);
    await waitUntilServing(storage);
    await Promise.all(answered.map(async (mine) => {
      const { value } = await storage.load(recordOf(mine));
      assert(equalBytes(value, recordOf(mine).value), `lost ${mine} after ${round} kills`);
    }));
    const wanted = answered.length + ANSWERS_PER_ROUND;
    const writer = async () => {
      while (true) {
        const mine = serial++;
        const { code } = await storage.store(recordOf(mine));
        if (code === StatusCode.Success) answered.push(mine);
      }
    };
    const writers = Promise.allSettled(Array.from({ length: WRITERS }, writer));
    while (answered.length < wanted) await SYSTEM_CLOCK.sleep(1);
    process.kill("SIGKILL");
    await Promise.all([writers, process.status]);
  }
  storage.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a storage on PostgreSQL gives the answers that were recorded of a chain", async () => {
  const sm3 = await loadSm3();
  const engine = new GroupCommit(await postgresFixture(server).open());
  const { handlers } = buildService({
    engine,
    headerHash: (header) => Promise.resolve({ code: StatusCode.Success, value: sm3(header) }),
  });
  const text = await readVectors("chain_single_calls.jsonl.gz");
  for (const line of text.trimEnd().split("\n")) {
    const call: RecordedCall = JSON.parse(line);
    assert.equal(await repeatCall(handlers, call), call.response_hex, call.request_hex);
  }
  await engine.close();
});
