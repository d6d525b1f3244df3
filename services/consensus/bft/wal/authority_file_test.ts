import assert from "node:assert/strict";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { authorityRecord, openAuthorityFile, readAuthorityRecord } from "./authority_file.ts";

const A = "ab".repeat(20);
const AUTHORITIES = { current: [A], previous: [], changedAt: 7n };

Deno.test("authorityRecord() writes the vector of spec/consensus.md, section 6.1", () => {
  const s42 = "2a000000000000003078" + "6162".repeat(20);
  const one = "0100000000000000";
  const body = `0700000000000000${one}${s42}0000000000000000${one}${s42}`;
  assert.equal(body.length / 2, 132);
  assert.equal(toHex(authorityRecord(AUTHORITIES)), `8400000001${body}`);
});

Deno.test("readAuthorityRecord() gives null for a file that is not whole", () => {
  const bytes = authorityRecord(AUTHORITIES);
  assert.deepEqual(readAuthorityRecord(bytes), AUTHORITIES);
  for (let size = 0; size < bytes.length; size++) {
    assert.equal(readAuthorityRecord(bytes.subarray(0, size)), null);
  }
});

Deno.test("openAuthorityFile() finds what was saved last", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const first = await openAuthorityFile(`${folder}/authorities`);
    assert.equal(first.authorities, null);
    await first.store.save({ ...AUTHORITIES, changedAt: 1n });
    await first.store.save(AUTHORITIES);
    const second = await openAuthorityFile(`${folder}/authorities`);
    assert.deepEqual(second.authorities, AUTHORITIES);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
