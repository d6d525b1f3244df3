import assert from "node:assert/strict";
import { concatBytes, toHex } from "../../../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import { CrashingFiles } from "../testing/crashing_files.ts";
import {
  appendOf,
  appliedOf,
  hardStateOf,
  placesOf,
  snapshotRecord,
} from "../testing/log_builders.ts";
import { blankState } from "../core/interface.ts";
import { openLogFiles } from "./log_files.ts";
import { encodeOperations, Kind } from "./operation.ts";
import { RaftLogFile, type RaftLogOptions } from "./raft_log_file.ts";
import { configurationOf } from "./state.ts";

const ACTIVE = "raft-wal-log.active";
const BACKUP = "raft-wal-log.backup";
const FIVE = appendOf([1n, 1n], [1n, 2n], [1n, 3n], [1n, 4n], [2n, 5n]);

function open(files: CrashingFiles, options: Partial<RaftLogOptions> = {}): Promise<RaftLogFile> {
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
  const damaged = files.contents.get(ACTIVE);
  const file = await open(files);
  assert.equal(placesOf(file.state), "(1,1)(1,2)(1,3)(1,4)(2,5)");
  assert.deepEqual(files.contents.get("corrupt-raft-log.backup"), damaged);
  await open(files);
  assert(!files.contents.has("corrupt-raft-log.backup.1"), "it is cut off once");
  await file.append([appendOf([2n, 6n])]);
  const again = await open(files);
  assert.equal(placesOf(again.state), "(1,1)(1,2)(1,3)(1,4)(2,5)(2,6)");
  addTail(files, Uint8Array.of(0));
  await open(files);
  assert.deepEqual(files.contents.get("corrupt-raft-log.backup.1"), damaged);
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
  const size = encodeOperations([FIVE]).length + 10;
  for (
    const [compactLimit, isCompacted] of [[0, false], [size, false], [size - 1, true]] as const
  ) {
    const file = await open(files, { compactLimit: BigInt(compactLimit) });
    if (compactLimit === 0) await file.append([FIVE]);
    await file.compactIfLarge();
    assert.equal(files.contents.has(BACKUP), isCompacted, `limit ${compactLimit}`);
  }
});

Deno.test("what a compaction had to keep is no reason for the next", async () => {
  const files = new CrashingFiles();
  const file = await open(files, { compactLimit: 10n });
  await file.append([FIVE]);
  await file.compactIfLarge();
  const compacted = files.contents.get(ACTIVE);
  await file.append([appliedOf(1n)]);
  await file.compactIfLarge();
  assert.deepEqual(files.contents.get(BACKUP)?.length, 10 + encodeOperations([FIVE]).length);
  assert.notDeepEqual(files.contents.get(ACTIVE), compacted);
  await file.append([appliedOf(1n)]);
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
