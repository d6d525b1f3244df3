import assert from "node:assert/strict";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { concatBytes, u64be } from "../../shared/bytes/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { peakResidentBytes } from "../memory.ts";
import { freePort } from "../free_ports.ts";
import { Player, withFolder } from "./recordings/player.ts";

const MIB = 2 ** 20;
const REGION = 1;
/** Many callers of one machine wait long for their turn. */
const DEADLINE_MS = 120_000;

const keyOf = (serial: number) => concatBytes(new Uint8Array(24), u64be(BigInt(serial)));

interface Crowd {
  readonly player: Player;
  /** Connections that can be used together. */
  readonly clients: readonly RpcClient<typeof StorageServiceService>[];
}

async function withCrowd(connections: number, use: (crowd: Crowd) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const port = freePort();
    const config = `[storage_rocksdb]\nstorage_port = ${port}\nkms_port = 1\n`;
    await using player = await Player.start({ role: "storage", folder, config, port });
    const clients = Array.from(
      { length: connections },
      () => connect(StorageServiceService, { port, deadlineMs: DEADLINE_MS }),
    );
    try {
      await use({ player, clients });
    } finally {
      for (const client of clients) client.close();
    }
    assert.equal(await player.stop(), 0);
  });
}

/** Makes so many calls at a time and counts how they were answered. */
async function callAtOnce(
  { clients }: Crowd,
  { calls, call }: {
    readonly calls: number;
    readonly call: (client: Crowd["clients"][number], serial: number) => Promise<number>;
  },
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  await Promise.all(Array.from({ length: calls }, async (_, serial) => {
    const client = clients[serial % clients.length];
    assert(client !== undefined);
    const code = await call(client, serial);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }));
  return counts;
}

Deno.test("bin/storage takes 10,000 stores at a time over a few connections", () =>
  withCrowd(4, async (crowd) => {
    const value = new Uint8Array(256).fill(7);
    const counts = await callAtOnce(crowd, {
      calls: 10_000,
      call: async (client, serial) =>
        (await client.store({ region: REGION, key: keyOf(serial), value })).code,
    });
    assert.deepEqual([...counts], [[StatusCode.Success, 10_000]]);
    const peak = peakResidentBytes(crowd.player.pid);
    assert(peak < 500 * MIB, `${peak / MIB} MiB`);
  }));

Deno.test("bin/storage refuses with 605 what is too much at a time, and keeps what it took", () =>
  withCrowd(60, async (crowd) => {
    const value = new Uint8Array(20_000).fill(7);
    const taken: number[] = [];
    const counts = await callAtOnce(crowd, {
      calls: 6_000,
      async call(client, serial) {
        const { code } = await client.store({ region: REGION, key: keyOf(serial), value });
        if (code === StatusCode.Success) taken.push(serial);
        return code;
      },
    });
    const codes = [...counts.keys()].sort();
    assert.deepEqual(codes, [StatusCode.Success, StatusCode.StoreError]);
    const peak = peakResidentBytes(crowd.player.pid);
    assert(peak < 700 * MIB, `${peak / MIB} MiB`);
    const [client] = crowd.clients;
    assert(client !== undefined);
    for (const serial of taken.filter((_, index) => index % 100 === 0)) {
      const loaded = await client.load({ region: REGION, key: keyOf(serial) });
      assert.equal(loaded.value.length, value.length);
    }
  }));

Deno.test("bin/storage holds few of the large values that many callers load at a time", () =>
  withCrowd(5, async (crowd) => {
    const value = new Uint8Array(2_000_000).fill(7);
    const [first] = crowd.clients;
    assert(first !== undefined);
    assert.deepEqual(await first.store({ region: REGION, key: keyOf(0), value }), { code: 0 });
    const counts = await callAtOnce(crowd, {
      calls: 500,
      async call(client) {
        const { status, value: loaded } = await client.load({ region: REGION, key: keyOf(0) });
        assert.equal(loaded.length, status?.code === StatusCode.Success ? value.length : 0);
        return status?.code ?? -1;
      },
    });
    assert.equal(counts.get(StatusCode.Success), 500);
    const peak = peakResidentBytes(crowd.player.pid);
    // without limits it was three times the 1,000 MB that were asked for
    assert(peak < 800 * MIB, `${peak / MIB} MiB`);
  }));
