import assert from "node:assert/strict";
import { concatBytes, EMPTY_BYTES, toHex } from "../../../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import { Crash, CrashingFiles, losingPages } from "../testing/crashing_files.ts";
import {
  appendOf,
  appliedOf,
  entry,
  hardStateOf,
  placesOf,
  snapshotRecord,
  votersOf,
} from "../testing/log_builders.ts";
import { blankState } from "../core/interface.ts";
import { openLogFiles } from "./log_files.ts";
import { decodeOperations, encodeOperations, Kind } from "./operation.ts";
import { RaftLogFile } from "./raft_log_file.ts";
import { applyOperations, configurationOf, lastIndexOf, RaftLogError } from "./state.ts";

const ACTIVE = "raft-wal-log.active";
const BACKUP = "raft-wal-log.backup";
const FIVE = appendOf([1n, 1n], [1n, 2n], [1n, 3n], [1n, 4n], [2n, 5n]);

function open(
  files: CrashingFiles,
  options: Partial<RaftLogFile["options"]> = {},
): Promise<RaftLogFile> {
  return RaftLogFile.open({
    files,
    preservedMax: 5,
    compactLimit: 0n,
    allowCorruptTail: true,
    log: SILENT_LOGGER,
    ...options,
  });
}

/** Damages the end of the active file. */
function addTail(files: CrashingFiles, tail: Uint8Array): void {
  files.contents.set(ACTIVE, concatBytes(files.contents.get(ACTIVE) ?? tail, tail));
}

const sizeOf = (files: CrashingFiles) => files.contents.get(ACTIVE)?.length ?? 0;

/** The active file after three appends, and where the last of them begins. */
async function threeBatches(): Promise<{ readonly bytes: Uint8Array; readonly lastStart: number }> {
  const files = new CrashingFiles();
  const file = await open(files);
  await file.append([FIVE, hardStateOf(2n, 7n, 4n)]);
  await file.append([{ kind: Kind.ConfState, confState: votersOf(7n) }, appliedOf(4n)]);
  const lastStart = sizeOf(files);
  await file.append([appendOf([3n, 6n]), hardStateOf(3n, 8n, 5n)]);
  return { bytes: files.contents.get(ACTIVE) ?? EMPTY_BYTES, lastStart };
}

function filesWith(active: Uint8Array): CrashingFiles {
  const files = new CrashingFiles();
  files.contents.set(ACTIVE, active);
  return files;
}

Deno.test("RaftLogFile finds everything again that was appended", async () => {
  const files = new CrashingFiles();
  const first = await open(files);
  assert.deepEqual(first.state, blankState());
  await first.append([appendOf([1n, 1n], [1n, 2n], [1n, 3n])]);
  await first.append([appendOf([2n, 2n], [2n, 3n], [2n, 4n]), hardStateOf(2n, 3n, 2n)]);
  await first.append([]);
  const second = await open(files);
  assert.deepEqual(second.state, first.state);
  assert.equal(placesOf(second.state), "(1,1)(2,2)(2,3)(2,4)");
  assert.deepEqual(second.state.hardState, { term: 2n, vote: 3n, commit: 2n });
});

Deno.test("RaftLogFile writes nothing that does not fit", async () => {
  const files = new CrashingFiles();
  const file = await open(files);
  await file.append([FIVE]);
  const { state } = file;
  await assert.rejects(file.append([hardStateOf(9n, 1n, 0n), appendOf([2n, 9n])]), /gap/);
  assert.equal(file.state, state);
  assert.deepEqual((await open(files)).state, state);
});

Deno.test("RaftLogFile cuts a damaged end off, keeps a copy, and what follows is found", async () => {
  const files = new CrashingFiles();
  await (await open(files)).append([FIVE]);
  addTail(files, Uint8Array.of(255, 1, 2, 3));
  const file = await open(files);
  assert.equal(placesOf(file.state), "(1,1)(1,2)(1,3)(1,4)(2,5)");
  const tail = Uint8Array.of(255, 1, 2, 3);
  assert.deepEqual(files.contents.get("corrupt-raft-log.backup"), tail);
  await open(files);
  assert(!files.contents.has("corrupt-raft-log.backup.1"), "it is cut off once");
  await file.append([appendOf([2n, 6n])]);
  const again = await open(files);
  assert.equal(placesOf(again.state), "(1,1)(1,2)(1,3)(1,4)(2,5)(2,6)");
  addTail(files, Uint8Array.of(0));
  await open(files);
  assert.deepEqual(files.contents.get("corrupt-raft-log.backup.1"), tail);
});

Deno.test("RaftLogFile refuses a damaged end when it may not be cut off", async () => {
  const files = new CrashingFiles();
  await open(files);
  addTail(files, Uint8Array.of(255));
  await assert.rejects(
    open(files, { allowCorruptTail: false }),
    /log file `raft-wal-log.active` is corrupt/,
  );
});

// nor is there a page of zeros in it, which would look like one that a power loss left empty
Deno.test("whatever byte is changed but the length of the last header, nothing is lost", async () => {
  const { bytes, lastStart } = await threeBatches();
  for (let at = 0; at < bytes.length; at++) {
    for (const change of [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 255]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ change;
      // it may make the header look cut off
      if (at === lastStart + 1) continue;
      await assert.rejects(open(filesWith(changed)), RaftLogError, `byte ${at}, ${change}`);
    }
  }
});

Deno.test("an entry whose last pages are empty after a loss of power is no entry", async () => {
  const files = new CrashingFiles();
  const file = await open(files);
  await file.append([hardStateOf(2n, 7n, 0n)]);
  const sizeBefore = sizeOf(files);
  const entries = [entry(2n, 1n, new Uint8Array(12_000).fill(1))];
  await file.append([{ kind: Kind.Append, entries }]);
  files.contents.get(ACTIVE)?.fill(0, 8192);
  const { state } = await open(files);
  assert.equal(placesOf(state), "");
  assert.equal(state.hardState.vote, 7n);
  assert.equal(sizeOf(files), sizeBefore);
});

Deno.test("a damaged end that no crash leaves is refused", async () => {
  const { bytes } = await threeBatches();
  const files = filesWith(bytes);
  const entries = [entry(3n, 7n, new Uint8Array(2_000))];
  await (await open(files)).append([{ kind: Kind.Append, entries }]);
  const active = files.contents.get(ACTIVE) ?? EMPTY_BYTES;
  assert.equal(active[bytes.length], Kind.HardState);
  // the header becomes what looks like a record of the reference, and something behind it
  active[bytes.length] = Kind.BlockHeight;
  await assert.rejects(open(files), /is corrupt/);
});

Deno.test("what an unfinished append holds is not taken for a later one", async () => {
  const { bytes, lastStart } = await threeBatches();
  const files = filesWith(bytes);
  const file = await open(files);
  const { state } = file;
  const data = concatBytes(new Uint8Array(1_000).fill(1), bytes.slice(lastStart));
  await file.append([{ kind: Kind.Append, entries: [entry(3n, 7n, data)] }]);
  const whole = files.contents.get(ACTIVE) ?? EMPTY_BYTES;
  for (let size = bytes.length; size < whole.length; size++) {
    assert.deepEqual((await open(filesWith(whole.slice(0, size)))).state, state, `${size} bytes`);
  }
  whole.fill(0, bytes.length, 512);
  assert.deepEqual((await open(files)).state, state, "the header is lost");
});

Deno.test("a log of which nothing would remain is refused, and stays as it is", async () => {
  const { bytes } = await threeBatches();
  for (const size of [0, 1, 30]) {
    const files = filesWith(bytes.slice(0, size));
    await assert.rejects(open(files), /is corrupt from byte 0 of/, `${size} bytes`);
    assert.equal(sizeOf(files), size);
  }
});

Deno.test("a log of the reference is read and gone on with, its damage noticed where it can be", async () => {
  const records = [FIVE, hardStateOf(2n, 7n, 4n), appliedOf(4n)];
  const bytes = encodeOperations(records);
  const files = filesWith(bytes);
  const file = await open(files);
  await file.append([appendOf([3n, 6n])]);
  const { state } = await open(files);
  assert.deepEqual(state, applyOperations(blankState(), [...records, appendOf([3n, 6n])]));
  const vote = encodeOperations([FIVE]).length;
  for (const at of [vote, vote + 2]) {
    const damaged = bytes.slice();
    damaged[at] = 0xff;
    await assert.rejects(open(filesWith(damaged)), /is corrupt/, `byte ${at}`);
  }
});

Deno.test("the first append behind records of the reference may be torn, too", async () => {
  const bytes = encodeOperations([FIVE, hardStateOf(2n, 7n, 4n)]);
  for (let size = 0; size < 30; size++) {
    const files = filesWith(bytes.slice());
    files.tear = (torn) => concatBytes(torn.subarray(0, size), new Uint8Array(torn.length - size));
    const file = await open(files);
    files.stepsLeft = 1;
    await assert.rejects(file.append([appendOf([3n, 6n])]), Crash);
    files.stepsLeft = Infinity;
    assert.deepEqual((await open(files)).state, file.state, `${size} bytes`);
  }
});

Deno.test("the first append behind records of the reference may lose the page that it begins in", async () => {
  const dataSizes = Array.from({ length: 40 }, (_, index) => 460 + index);
  for (const dataSize of dataSizes) {
    const entries = [entry(2n, 1n, new Uint8Array(dataSize).fill(1))];
    const bytes = encodeOperations([{ kind: Kind.Append, entries }, hardStateOf(2n, 7n, 0n)]);
    const files = filesWith(bytes);
    const file = await open(files);
    const { state } = file;
    await file.append([appendOf([3n, 2n])]);
    files.contents.get(ACTIVE)?.fill(0, bytes.length, Math.max(bytes.length, 512));
    const { state: found } = await open(files);
    const isTouched = bytes.length < 512;
    assert.deepEqual(found, isTouched ? state : file.state, `${bytes.length} bytes`);
  }
});

/** What a disk without power may leave of a write behind so many bytes. */
function torn(bytes: Uint8Array, size: number, random: Random): Uint8Array {
  const isShort = random() < 0.3;
  if (isShort) return bytes.slice(0, Math.floor(random() * bytes.length));
  return losingPages(random)(bytes, size, 0);
}

Deno.test("what a power loss leaves of records of the reference behind sealed ones is cut off", async () => {
  const { bytes: sealed } = await threeBatches();
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const blockAt = (index: bigint) => {
      const data = new Uint8Array(Math.floor(random() * 2_000)).fill(1);
      const entries = [entry(3n, index, data)];
      return encodeOperations([{ kind: Kind.Append, entries }, hardStateOf(3n, 8n, index - 1n)]);
    };
    const synced = concatBytes(sealed, random() < 0.5 ? EMPTY_BYTES : blockAt(7n));
    const { state } = await open(filesWith(synced));
    const next = lastIndexOf(state) + 1n;
    const files = filesWith(concatBytes(synced, torn(blockAt(next), synced.length, random)));
    const found = (await open(files)).state;
    assert(lastIndexOf(found) >= lastIndexOf(state), `seed ${seed}`);
    assert.equal(found.hardState.vote, 8n);
    await (await open(files)).append([appendOf([3n, lastIndexOf(found) + 1n])]);
    assert.equal(lastIndexOf((await open(files)).state), lastIndexOf(found) + 1n);
  }
});

Deno.test("a reader that knows no seals finds the same in a log", async () => {
  const { bytes } = await threeBatches();
  const operations = decodeOperations(bytes);
  assert(operations !== null);
  assert.deepEqual(
    applyOperations(blankState(), operations),
    (await open(filesWith(bytes))).state,
  );
});

Deno.test("a compaction that a full disk holds up loses nothing when it is cut short", async () => {
  const files = new CrashingFiles();
  const file = await open(files, { compactLimit: 1n });
  await file.append([FIVE, hardStateOf(2n, 7n, 4n)]);
  for (let attempt = 0; attempt < 3; attempt++) {
    files.fullAt = ACTIVE;
    await assert.rejects(file.compactIfLarge(), /No space left/);
  }
  assert.deepEqual((await open(files)).state.hardState, { term: 2n, vote: 7n, commit: 4n });
  await file.compactIfLarge();
  assert.deepEqual((await open(files)).state.hardState, { term: 2n, vote: 7n, commit: 4n });
});

Deno.test("with older logs and without the last one a node does not begin anew", async () => {
  const files = new CrashingFiles();
  files.contents.set("raft-wal-log.2.backup", encodeOperations([FIVE]));
  await assert.rejects(open(files), /absent, although `raft-wal-log.2.backup` is there/);
});

Deno.test("without room for a copy of the damaged end nothing is changed, and that is said", async () => {
  const { bytes, lastStart } = await threeBatches();
  const files = filesWith(bytes.slice(0, -1));
  files.contents.set("corrupt-raft-log.backup", Uint8Array.of(1));
  for (let attempt = 0; attempt < 3; attempt++) {
    files.fullAt = "corrupt-raft-log.backup";
    await assert.rejects(open(files, { preservedMax: 1 }), /the disk is full: make room/);
    assert.equal(sizeOf(files), bytes.length - 1);
  }
  await open(files, { preservedMax: 1 });
  assert.equal(sizeOf(files), lastStart);
  assert.deepEqual(files.contents.get("corrupt-raft-log.backup.1"), Uint8Array.of(1));
});

Deno.test("RaftLogFile refuses a log with a gap, and names the file", async () => {
  const files = new CrashingFiles();
  files.contents.set(ACTIVE, encodeOperations([FIVE, appendOf([2n, 9n])]));
  await assert.rejects(
    open(files),
    /`raft-wal-log.active` cannot be replayed: Entries 9 leave a gap/,
  );
});

Deno.test("RaftLogFile refuses a log that lacks what was committed", async () => {
  const files = new CrashingFiles();
  files.contents.set(ACTIVE, encodeOperations([FIVE, hardStateOf(2n, 0n, 6n)]));
  await assert.rejects(open(files), /committed up to 6, but the log ends at 5/);
});

Deno.test("a compaction drops what was applied and changes nothing that matters", async () => {
  const files = new CrashingFiles();
  const file = await open(files, { compactLimit: 1n });
  const confState = { ...blankState().confState, voters: [1n], votersOutgoing: [2n, 1n] };
  const configuration = { height: 3n, blockInterval: 3, validators: [new Uint8Array(20)] };
  await file.append([
    FIVE,
    { kind: Kind.ConfState, confState },
    { kind: Kind.Configuration, configuration },
    hardStateOf(2n, 7n, 5n),
    appliedOf(3n),
  ]);
  const before = files.contents.get(ACTIVE);
  await file.compactIfLarge();
  assert.deepEqual(files.contents.get(BACKUP), before);
  await file.append([appendOf([2n, 6n])]);
  const { state } = await open(files);
  assert.equal(placesOf(state), "(1,4)(2,5)(2,6)");
  assert.deepEqual(state.confState, confState);
  assert.deepEqual(configurationOf(state), configuration);
  assert.deepEqual(state.hardState, { term: 2n, vote: 7n, commit: 5n });
  assert.equal(state.applied, 3n);
});

Deno.test("a file is compacted above the limit only, with 0 never", async () => {
  const files = new CrashingFiles();
  await (await open(files)).append([FIVE]);
  const size = sizeOf(files);
  for (
    const [compactLimit, isCompacted] of [[0, false], [size, false], [size - 1, true]] as const
  ) {
    const file = await open(files, { compactLimit: BigInt(compactLimit) });
    await file.compactIfLarge();
    assert.equal(files.contents.has(BACKUP), isCompacted, `limit ${compactLimit}`);
  }
});

Deno.test("what a compaction had to keep is no reason for the next", async () => {
  const files = new CrashingFiles();
  const limit = 50;
  const file = await open(files, { compactLimit: BigInt(limit) });
  await file.append([FIVE]);
  await file.compactIfLarge();
  const backup = files.contents.get(BACKUP);
  assert(sizeOf(files) > limit);
  await file.append([]);
  await file.compactIfLarge();
  assert.equal(files.contents.get(BACKUP), backup);
  await file.append([FIVE]);
  await file.compactIfLarge();
  assert(files.contents.has("raft-wal-log.1.backup"));
});

Deno.test("earlier files stay under numbers, the newest first, up to the limit", async () => {
  const files = new CrashingFiles();
  const file = await open(files, { compactLimit: 1n });
  const contents: string[] = [];
  for (let term = 1n; term <= 12n; term++) {
    await file.append([hardStateOf(term, 0n, 0n)]);
    contents.unshift(toHex(files.contents.get(ACTIVE) ?? new Uint8Array()));
    await file.compactIfLarge();
  }
  const numbered = [1, 2, 3, 4, 5].map((number) => `raft-wal-log.${number}.backup`);
  assert.deepEqual([...files.contents.keys()].sort(), [ACTIVE, BACKUP, ...numbered].sort());
  const found = [BACKUP, ...numbered].map((name) =>
    toHex(files.contents.get(name) ?? new Uint8Array())
  );
  assert.deepEqual(found, contents.slice(0, 6));
});

Deno.test("without an active file the backup is in force, and must be whole", async () => {
  const files = new CrashingFiles();
  const bytes = encodeOperations([FIVE, hardStateOf(3n, 2n, 4n), appliedOf(2n)]);
  files.contents.set(BACKUP, bytes);
  const { state } = await open(files);
  assert.equal(placesOf(state), "(1,1)(1,2)(1,3)(1,4)(2,5)");
  assert.deepEqual(state.hardState, { term: 3n, vote: 2n, commit: 4n });
  assert.equal(placesOf((await open(files)).state), "(1,3)(1,4)(2,5)");
  files.contents.delete(ACTIVE);
  files.contents.set(BACKUP, concatBytes(bytes, Uint8Array.of(255)));
  await assert.rejects(open(files), /log file `raft-wal-log.backup` is corrupt/);
});

Deno.test("an append that failed leaves no trace in what is appended next", async () => {
  const files = new CrashingFiles();
  const file = await open(files);
  await file.append([FIVE]);
  files.stepsLeft = 5;
  await assert.rejects(file.append([hardStateOf(7n, 7n, 0n)]));
  files.stepsLeft = Infinity;
  await file.append([hardStateOf(8n, 1n, 0n)]);
  const { state } = await open(files);
  assert.deepEqual(state.hardState, { term: 8n, vote: 1n, commit: 0n });
});

Deno.test("RaftLogFile keeps its files in a folder of the disk", async () => {
  const folder = await Deno.makeTempDir();
  const options = {
    preservedMax: 1,
    compactLimit: 100n,
    allowCorruptTail: true,
    log: SILENT_LOGGER,
  };
  const openFolder = async () => {
    return await RaftLogFile.open({ files: await openLogFiles(`${folder}/wal`), ...options });
  };
  try {
    const file = await openFolder();
    await file.append([snapshotRecord({ index: 5n, term: 5n })]);
    await Deno.writeFile(`${folder}/wal/${ACTIVE}`, Uint8Array.of(1, 9), { append: true });
    const second = await openFolder();
    assert.deepEqual(second.state, file.state);
    for (let index = 6n; index < 30n; index++) {
      await second.append([appendOf([6n, index]), hardStateOf(6n, 1n, index), appliedOf(index)]);
      await second.compactIfLarge();
    }
    const third = await openFolder();
    assert.equal(third.state.applied, 29n);
    assert.deepEqual(third.state.hardState, { term: 6n, vote: 1n, commit: 29n });
    const names = [...Deno.readDirSync(`${folder}/wal`)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["corrupt-raft-log.backup", "raft-wal-log.1.backup", ACTIVE, BACKUP]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
