import assert from "node:assert/strict";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { openAuthorityFile } from "./authority_file.ts";

const A = "ab".repeat(20);
const AUTHORITIES = { current: [A], previous: [], changedAt: 7n };

/** Runs a test with the folder of the file. */
async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/authorities`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openAuthorityFile() finds what was saved last, in the bytes of spec/consensus.md, section 6.1", () =>
  withFolder(async (folder) => {
    const first = await openAuthorityFile(folder);
    assert.equal(first.authorities, null);
    await first.store.save({ ...AUTHORITIES, changedAt: 1n });
    await first.store.save(AUTHORITIES);
    const { authorities } = await openAuthorityFile(folder);
    assert.deepEqual(authorities, AUTHORITIES);
    const s42 = "2a000000000000003078" + "6162".repeat(20);
    const one = "0100000000000000";
    const body = `0700000000000000${one}${s42}0000000000000000${one}${s42}`;
    assert.equal(body.length / 2, 132);
    const bytes = await Deno.readFile(`${folder}/authorities_old`);
    assert.equal(toHex(bytes), `8400000001${body}`);
  }));

Deno.test("openAuthorityFile() finds nothing in a file that is not whole", () =>
  withFolder(async (folder) => {
    const { store } = await openAuthorityFile(folder);
    await store.save(AUTHORITIES);
    const path = `${folder}/authorities_old`;
    const bytes = await Deno.readFile(path);
    for (let size = 0; size < bytes.length; size++) {
      await Deno.writeFile(path, bytes.subarray(0, size));
      assert.equal((await openAuthorityFile(folder)).authorities, null);
    }
  }));
