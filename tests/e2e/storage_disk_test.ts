import assert from "node:assert/strict";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { concatBytes, equalBytes, u64be } from "../../shared/bytes/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { freePort } from "../free_ports.ts";
import { run } from "./executables.ts";
import { mountReadOnly, mountTmpfs } from "./mounts.ts";
import { logSettings, Player, withFolder } from "./recordings/player.ts";
import { waitFor } from "./wait.ts";

const REGION = 1;
const RECORDS = 100;
const VALUE_SIZE = 300;

type StorageClient = RpcClient<typeof StorageServiceService>;

function recordOf(serial: number) {
  const key = concatBytes(new Uint8Array(24), u64be(BigInt(serial)));
  return { region: REGION, key, value: new Uint8Array(VALUE_SIZE).fill(serial) };
}

/** Runs `bin/storage` in a folder; gives what `use` gives. */
async function withStorage<Result>(
  folder: string,
  use: (storage: StorageClient, player: Player) => Promise<Result>,
): Promise<Result> {
  const port = freePort();
  const config = `[storage_rocksdb]\nstorage_port = ${port}\nkms_port = 1\n`;
  await using player = await Player.start({ role: "storage", folder, config, port });
  const storage = connect(StorageServiceService, { port });
  try {
    return await use(storage, player);
  } finally {
    storage.close();
  }
}

async function storeAll(storage: StorageClient, serials: Iterable<number>): Promise<void> {
  for (const serial of serials) {
    assert.deepEqual(await storage.store(recordOf(serial)), { code: StatusCode.Success });
  }
}

async function missing(storage: StorageClient, count: number): Promise<number[]> {
  const serials: number[] = [];
  for (let serial = 0; serial < count; serial++) {
    const { status, value } = await storage.load(recordOf(serial));
    if (status?.code !== StatusCode.Success) serials.push(serial);
    else assert.deepEqual(value, recordOf(serial).value);
  }
  return serials;
}

function newestLog(folder: string): string {
  const names = [...Deno.readDirSync(`${folder}/chain_data`)].map(({ name }) => name);
  const newest = names.filter((name) => name.endsWith(".log")).sort().at(-1);
  assert(newest !== undefined);
  return `${folder}/chain_data/${newest}`;
}

const TAILS: Record<string, (log: string) => Promise<number[]>> = {
  async "with garbage behind the last write"(log) {
    const garbage = crypto.getRandomValues(new Uint8Array(5_000));
    await Deno.writeFile(log, garbage, { append: true });
    return [];
  },
  async "cut in the middle of the last write"(log) {
    const { size } = await Deno.stat(log);
    await Deno.truncate(log, size - 5);
    return [RECORDS - 1]; // what a medium forgets cannot be found again
  },
};

for (const [what, damage] of Object.entries(TAILS)) {
  Deno.test(`bin/storage starts over a log ${what}, and has every write before it`, () =>
    withFolder(async (folder) => {
      await withStorage(folder, async (storage, player) => {
        await storeAll(storage, Array(RECORDS).keys());
        await player.kill();
      });
      const lost = await damage(newestLog(folder));
      await withStorage(folder, async (storage, player) => {
        assert.deepEqual(await missing(storage, RECORDS), lost);
        await storeAll(storage, lost);
        await storeAll(storage, [RECORDS]);
        await player.kill();
      });
      await withStorage(folder, async (storage) => {
        assert.deepEqual(await missing(storage, RECORDS + 1), []);
      });
    }));
}

const MB = 1_000_000;
const BALLAST_BYTES = 110 * MB;

/** Bytes that LevelDB cannot make smaller. */
function largeRecord(serial: number) {
  const words = new Uint32Array(MB / 4);
  let word = serial + 1;
  for (let index = 0; index < words.length; index++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = word;
  }
  return { ...recordOf(serial), value: new Uint8Array(words.buffer) };
}

Deno.test("bin/storage refuses stores on a full disk, serves loads, and goes on when there is room", () =>
  withFolder(async (folder) => {
    await using disk = await mountTmpfs(folder, "220m");
    if (disk === null) return;
    const ballast = `${folder}/ballast`;
    await Deno.writeFile(ballast, new Uint8Array(BALLAST_BYTES));
    const stored: number[] = [];
    const assertStored = async (storage: StorageClient) => {
      for (const serial of stored) {
        const record = largeRecord(serial);
        assert(equalBytes((await storage.load(record)).value, record.value), `record ${serial}`);
      }
    };
    await withStorage(folder, async (storage, player) => {
      let code = 0;
      for (let serial = 0; code === 0 && serial < 300; serial++) {
        ({ code } = await storage.store(largeRecord(serial)));
        if (code === 0) stored.push(serial);
      }
      assert.equal(code, StatusCode.StoreError);
      assert(stored.length > 10, `${stored.length} records fit`);
      assert.equal((await storage.store(largeRecord(1_000))).code, StatusCode.StoreError);
      await assertStored(storage);
      await Deno.remove(ballast);
      await waitFor(async () => (await storage.store(recordOf(2_000))).code === 0 ? true : null, {
        what: "a store that is taken again",
        timeoutMs: 10_000,
      });
      await storeAll(storage, [2_001]);
      await assertStored(storage);
      assert(player.isRunning);
      await player.kill();
    });
    await withStorage(folder, async (storage) => {
      await assertStored(storage);
      for (const serial of [2_000, 2_001]) {
        assert.equal((await storage.load(recordOf(serial))).status?.code, StatusCode.Success);
      }
    });
  }));

/** Starts a second process in the folder and gives its exit code and its log. */
async function runSecond(folder: string): Promise<{ code: number; log: string }> {
  const config = `[storage_rocksdb]\nstorage_port = ${freePort()}\nkms_port = 1\n`;
  await Deno.writeTextFile(`${folder}/second.toml`, config);
  await Deno.writeTextFile(`${folder}/second.yaml`, logSettings("second"));
  const args = ["run", "-c", "second.toml", "-l", "second.yaml"];
  const { code } = await run("storage", args, { cwd: folder });
  return { code, log: await Deno.readTextFile(`${folder}/second.log`) };
}

Deno.test("bin/storage refuses a folder that another process has open, which is not harmed", () =>
  withFolder((folder) =>
    withStorage(folder, async (storage, player) => {
      await storeAll(storage, Array(RECORDS).keys());
      for (let attempt = 0; attempt < 2; attempt++) {
        const { code, log } = await runSecond(folder);
        assert.equal(code, 1);
        assert.match(log, /Cannot open "chain_data": it must not be in use, another process/);
      }
      await storeAll(storage, [RECORDS]);
      assert.deepEqual(await missing(storage, RECORDS + 1), []);
      assert.equal(await player.stop(), 0);
    })
  ));

Deno.test("bin/storage refuses a folder that it may not write, and changes nothing there", () =>
  withFolder(async (folder) => {
    await withStorage(folder, async (storage, player) => {
      await storeAll(storage, Array(RECORDS).keys());
      await player.kill();
    });
    const mounted = await mountReadOnly(`${folder}/chain_data`);
    if (mounted === null) return;
    {
      await using _mount = mounted;
      const { code, log } = await runSecond(folder);
      assert.equal(code, 1);
      assert.match(log, /Cannot open "chain_data": it must be writable by this user, got /);
    }
    await withStorage(folder, async (storage) => {
      assert.deepEqual(await missing(storage, RECORDS), []);
    });
  }));
