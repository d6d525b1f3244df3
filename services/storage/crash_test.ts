import assert from "node:assert/strict";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { concatBytes, equalBytes, u64be } from "../../shared/bytes/mod.ts";
import { connect, type RpcClient, RpcFault } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { Region, type StoredRecord } from "./regions.ts";
import { buildBlock, buildTransaction } from "./testing/builders.ts";
import { serveFakeKms } from "./testing/fake_kms.ts";
import { startService } from "../../tests/service_process.ts";
import { freePort } from "../../tests/free_ports.ts";

const KILLS = 2;
const WRITERS = 8;
/** Answered writes of a round after which the process is killed; others are under way then. */
const ANSWERS_PER_ROUND = 300;
const TRANSACTIONS_PER_BLOCK = 20;
/** How long the process may take to accept calls. */
const START_DEADLINE_MS = 30_000;
const POLL_INTERVAL_MS = 20;

const LOG_SETTINGS = `
appenders: {stdout: {kind: console}}
root: {level: error, appenders: [stdout]}
`;

type StorageClient = RpcClient<typeof StorageServiceService>;

/** Waits until a call is answered. */
async function waitUntilServing(storage: StorageClient): Promise<void> {
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + START_DEADLINE_MS;
  while (true) {
    try {
      await storage.load({ region: Region.Global, key: u64be(0n) });
      return;
    } catch (error) {
      if (!(error instanceof RpcFault) || SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw error;
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  }
}

function hashOfNumber(serial: number): Uint8Array {
  return concatBytes(new Uint8Array(24), u64be(BigInt(serial)));
}

/** Every fourth write is a full block of twenty transactions, the others are single records. */
function recordOf(serial: number): StoredRecord {
  const key = u64be(BigInt(serial));
  if (serial % 4 !== 0) {
    return { region: Region.Proof, key, value: new Uint8Array(200).fill(serial) };
  }
  const body = Array.from(
    { length: TRANSACTIONS_PER_BLOCK },
    (_, index) => buildTransaction(hashOfNumber(serial * TRANSACTIONS_PER_BLOCK + index)),
  );
  const value = buildBlock({ height: BigInt(serial), body: { body } });
  return { region: Region.FullBlock, key, value };
}

/** Writes from many callers until the process dies; gives the serials that were answered with 0. */
async function writeUntilKilled(
  storage: StorageClient,
  { firstSerial, kill }: { firstSerial: number; kill: () => void },
): Promise<{ answered: number[]; nextSerial: number }> {
  const answered: number[] = [];
  let serial = firstSerial;
  const writer = async () => {
    while (true) {
      const mine = serial++;
      try {
        const { code } = await storage.store(recordOf(mine));
        if (code === StatusCode.Success) answered.push(mine);
      } catch (error) {
        if (!(error instanceof RpcFault)) throw error;
        return;
      }
      if (answered.length === ANSWERS_PER_ROUND) kill();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return { answered, nextSerial: serial };
}

/** A block of which one record is there has all of them. */
async function assertWholeOrAbsent(storage: StorageClient, serial: number): Promise<void> {
  const { status } = await storage.load(recordOf(serial));
  if (status?.code === StatusCode.Success || serial % 4 !== 0) return;
  const probes = [
    { region: Region.CompactBlock, key: u64be(BigInt(serial)) },
    { region: Region.Transactions, key: hashOfNumber(serial * TRANSACTIONS_PER_BLOCK) },
    {
      region: Region.TransactionIndex,
      key: hashOfNumber((serial + 1) * TRANSACTIONS_PER_BLOCK - 1),
    },
  ];
  for (const probe of probes) {
    assert.equal((await storage.load(probe)).status?.code, StatusCode.NotFound, `block ${serial}`);
  }
}

for (const flavour of ["storage_rocksdb", "storage_sqlite"]) {
  Deno.test(`a ${flavour} killed under load has every write that it answered with 0`, () =>
    killUnderLoad(flavour));
}

async function killUnderLoad(flavour: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "storage_crash_" });
  const kms = await serveFakeKms();
  const port = freePort();
  const table = `[${flavour}]\nstorage_port = ${port}\nkms_port = ${kms.port}\n`;
  await Deno.writeTextFile(`${folder}/config.toml`, table);
  await Deno.writeTextFile(`${folder}/storage-log4rs.yaml`, LOG_SETTINGS);
  const storage = connect(StorageServiceService, { port });
  const allAnswered: number[] = [];
  let firstSerial = 1;
  for (let round = 0; round <= KILLS; round++) {
    const process = startService("storage", folder);
    try {
      await waitUntilServing(storage);
      await Promise.all(allAnswered.map(async (serial) => {
        const record = recordOf(serial);
        const { value } = await storage.load(record);
        assert(equalBytes(value, record.value), `lost write ${serial} after ${round} kills`);
      }));
      for (let serial = Math.max(1, firstSerial - 3 * WRITERS); serial < firstSerial; serial++) {
        await assertWholeOrAbsent(storage, serial);
      }
      if (round === KILLS) break;
      const kill = () => killIfRunning(process);
      const written = await writeUntilKilled(storage, { firstSerial, kill });
      assert(written.answered.length >= ANSWERS_PER_ROUND);
      allAnswered.push(...written.answered);
      firstSerial = written.nextSerial;
    } finally {
      killIfRunning(process);
      await process.status;
    }
  }
  storage.close();
  await kms.close();
  await Deno.remove(folder, { recursive: true });
}

function killIfRunning(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}
