import assert from "node:assert/strict";
import { concatBytes, fromHex, toHex } from "../bytes/mod.ts";
import {
  encodeRecord,
  LogFolder,
  readRecords,
  salvageRecords,
  sipHash13,
  WalError,
} from "./mod.ts";

const RECORD = { type: 2, body: Uint8Array.of(1, 2, 3) };

Deno.test("encodeRecord() writes the header and checksum of the reference", () => {
  const record = encodeRecord({ type: 3, body: fromHex("0102030405") });
  assert.equal(toHex(record), "05000000034a3f42f2e3d81d370102030405");
  const vectors: [body: string, checksum: string][] = [
    ["01", "743a31a84f5026c9"],
    ["010203", "c1a5648d26a63870"],
    ["68656c6c6f", "9c4e2e526a2e5d87"],
    ["00".repeat(100), "66cf1f60877b405c"],
  ];
  for (const [body, checksum] of vectors) {
    assert.equal(toHex(encodeRecord({ type: 1, body: fromHex(body) }).slice(5, 13)), checksum);
  }
  assert.equal(toHex(sipHash13(new Uint8Array(8))), "459ec758b6ac60bd");
});

Deno.test("readRecords() reads a log of the reference consensus service", async () => {
  const path = new URL("../../tests/vectors/controller/bft_wal_49.log", import.meta.url);
  const bytes = await Deno.readFile(path);
  const { records, goodSize } = readRecords(bytes);
  assert.deepEqual(records.map(({ type }) => type), [1, 2, 2, 2, 2]);
  assert.equal(goodSize, bytes.length);
  assert.deepEqual(concatBytes(...records.map(encodeRecord)), bytes);
});

Deno.test("readRecords() stops at a record that is cut or damaged", () => {
  const first = encodeRecord({ type: 3, body: fromHex("aabb") });
  const whole = concatBytes(first, encodeRecord({ type: 3, body: fromHex("cc") }));
  assert.equal(readRecords(whole).records.length, 2);
  for (let size = first.length; size < whole.length; size++) {
    const { records, goodSize } = readRecords(whole.subarray(0, size));
    assert.equal(records.length, 1);
    assert.equal(goodSize, first.length);
  }
  const damaged = whole.slice();
  damaged[damaged.length - 1] = 0;
  assert.equal(readRecords(damaged).records.length, 1);
});

Deno.test("salvageRecords() reads on behind damage and tells it from a torn end", () => {
  const isType = (type: number) => type === 3;
  const [first, second, last] = ["aabb", "cc", "dd"].map((body) =>
    encodeRecord({ type: 3, body: fromHex(body) })
  );
  assert(first !== undefined && second !== undefined && last !== undefined);
  const bodiesOf = (bytes: Uint8Array) => {
    const { records, goodSize, hasGap } = salvageRecords(bytes, isType);
    return [records.map(({ body }) => toHex(body)).join(" "), goodSize, hasGap];
  };
  const whole = concatBytes(first, second, last);
  assert.deepEqual(bodiesOf(whole), ["aabb cc dd", whole.length, false]);
  const torn = whole.subarray(0, -1);
  assert.deepEqual(bodiesOf(torn), ["aabb cc", first.length + second.length, false]);
  for (let at = first.length; at < first.length + second.length; at++) {
    const damaged = whole.slice();
    damaged[at] = 0xff;
    assert.deepEqual(bodiesOf(damaged), ["aabb dd", whole.length, true], `byte ${at}`);
  }
  assert.deepEqual(bodiesOf(new Uint8Array(100)), ["", 0, false]);
});

/** A record whose body is cut off or whose length is wrong: it says to be longer than the file. */
function overlong(body: Uint8Array): Uint8Array {
  const record = encodeRecord({ type: 1, body });
  new DataView(record.buffer).setUint32(0, 2 * body.length + 1_000, true);
  return record;
}

Deno.test("salvageRecords() reads hostile ends of 5 MiB in seconds, not hours", () => {
  let elapsedMs = 0;
  for (const pattern of ["01010100", "ffff010001", "01000000", "40000000010101"]) {
    const hostile = fromHex(pattern.repeat(Math.floor((5 << 20) / (pattern.length / 2))));
    const bytes = concatBytes(encodeRecord(RECORD), overlong(hostile));
    const start = performance.now();
    const { records } = salvageRecords(bytes, (type) => type < 3);
    elapsedMs += performance.now() - start;
    assert.deepEqual(records, [RECORD]);
  }
  assert(elapsedMs < 15_000, `${elapsedMs} ms`);
});

Deno.test("salvageRecords() finds records behind one that was cut off", () => {
  const random = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i * 2_654_435_761) >>> 24);
  const bytes = concatBytes(
    encodeRecord(RECORD),
    overlong(random),
    encodeRecord(RECORD),
    encodeRecord({ type: 1, body: random }),
  );
  const { records, goodSize, hasGap } = salvageRecords(bytes, (type) => type < 6);
  assert.deepEqual(records.map(({ body }) => body.length), [3, 3, random.length]);
  assert.deepEqual([goodSize, hasGap], [bytes.length, true]);
});

Deno.test("salvageRecords() says that more may be missing when it gives up the search", () => {
  const hostile = Uint8Array.from({ length: 100_000 }, (_, i) => i % 4 < 3 ? 1 : 0);
  const bytes = concatBytes(encodeRecord(RECORD), overlong(hostile), encodeRecord(RECORD));
  assert.equal(salvageRecords(bytes, () => true).hasGap, true);
});

Deno.test("salvageRecords() takes nothing inside of a damaged record for a record", () => {
  const outer = encodeRecord({
    type: 1,
    body: concatBytes(encodeRecord(RECORD), Uint8Array.of(1)),
  });
  outer[outer.length - 1] = 2;
  const last = salvageRecords(outer, () => true);
  assert.deepEqual([last.records, last.goodSize], [[], 0]);
  const followed = concatBytes(outer, encodeRecord({ type: 3, body: Uint8Array.of(7) }));
  const { records, hasGap } = salvageRecords(followed, () => true);
  assert.deepEqual(records.map(({ type }) => type), [3]);
  assert.equal(hasGap, true);
});

async function withFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/data/wal`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("LogFolder keeps height and records over a restart", () =>
  withFolder(async (path) => {
    const folder = await LogFolder.open(path);
    assert.equal(folder.height, null);
    await folder.setHeight(12n);
    await folder.append(12n, [RECORD, RECORD]);
    await folder.append(12n, [RECORD]);
    const again = await LogFolder.open(path);
    assert.equal(again.height, 12n);
    assert.deepEqual(await again.heights(), [12n]);
    assert.deepEqual(readRecords(await again.read(12n)).records, [RECORD, RECORD, RECORD]);
    assert.equal(await Deno.readTextFile(`${path}/index`), "12");
  }));

Deno.test("LogFolder drops logs more than eight heights below, erase() all of them", () =>
  withFolder(async (path) => {
    const folder = await LogFolder.open(path);
    for (const height of [1n, 2n, 3n]) await folder.append(height, [RECORD]);
    await folder.setHeight(10n);
    assert.deepEqual(await folder.heights(), [2n, 3n]);
    await folder.erase();
    assert.deepEqual(await folder.heights(), []);
    assert.equal((await LogFolder.open(path)).height, 10n);
  }));

Deno.test("LogFolder.cut() makes room for the next record behind a torn one", () =>
  withFolder(async (path) => {
    const folder = await LogFolder.open(path);
    await folder.append(5n, [RECORD]);
    await Deno.writeFile(`${path}/5.log`, encodeRecord(RECORD).subarray(0, 9), { append: true });
    await folder.cut(5n, readRecords(await folder.read(5n)).goodSize);
    await folder.append(5n, [RECORD]);
    assert.equal(readRecords(await folder.read(5n)).records.length, 2);
  }));

Deno.test("LogFolder.open() refuses an index that is no height", () =>
  withFolder(async (path) => {
    await LogFolder.open(path);
    await Deno.writeTextFile(`${path}/index`, "");
    assert.equal((await LogFolder.open(path)).height, null);
    await Deno.writeTextFile(`${path}/index`, "12x");
    await assert.rejects(LogFolder.open(path), WalError);
  }));

Deno.test("LogFolder finds every height again that it takes, and no other", () =>
  withFolder(async (path) => {
    const highest = (1n << 64n) - 1n;
    const folder = await LogFolder.open(path);
    await folder.append(highest, [RECORD]);
    await folder.setHeight(highest);
    const again = await LogFolder.open(path);
    assert.equal(again.height, highest);
    assert.deepEqual(await again.heights(), [highest]);
    await Deno.writeTextFile(`${path}/index`, `${highest + 1n}`);
    await assert.rejects(LogFolder.open(path), WalError);
  }));

Deno.test("LogFolder.open() removes what is left of an index that was being replaced", () =>
  withFolder(async (path) => {
    await (await LogFolder.open(path)).setHeight(7n);
    await Deno.makeTempFile({ dir: path, prefix: "index." });
    await LogFolder.open(path);
    assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name), ["index"]);
  }));

Deno.test("LogFolder takes the lock of its folder for no log", () =>
  withFolder(async (path) => {
    await Deno.mkdir(path, { recursive: true });
    await Deno.writeTextFile(`${path}/lock`, "");
    assert.deepEqual(await (await LogFolder.open(path)).heights(), []);
  }));
