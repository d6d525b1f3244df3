import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { isDiskFull } from "../../../../shared/files/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { blankState, type RaftState } from "../core/interface.ts";
import type { LogFiles } from "./log_files.ts";
import { encodeBatch, readLog } from "./batch.ts";
import type { Operation } from "./operation.ts";
import { applyOperations, compactOperations, lastIndexOf, RaftLogError } from "./state.ts";

const ACTIVE = "raft-wal-log.active";
const TEMP = "raft-wal-log.temp";

/** The names of a kind of copies, the newest first: number 0 and up. */
type BackupNames = (number: number) => string;

const logBackup: BackupNames = (number) =>
  number === 0 ? "raft-wal-log.backup" : `raft-wal-log.${number}.backup`;

const corruptBackup: BackupNames = (number) =>
  number === 0 ? "corrupt-raft-log.backup" : `corrupt-raft-log.backup.${number}`;

/** Copies of earlier log files but the last. */
const IS_NUMBERED = /^raft-wal-log\.\d+\.backup$/;

/** Of a log that is refused. */
const WAY_OUT = 'see "A damaged log" in docs/raft.md';

/** How a log is kept. */
interface RaftLogOptions {
  readonly files: LogFiles;
  /** Numbered copies of earlier log files that stay, besides the last one. */
  readonly preservedMax: number;
  /** Bytes of a file that is compacted; 0 never compacts. */
  readonly compactLimit: bigint;
  /** Whether to go on without the damaged end of a file. */
  readonly allowCorruptTail: boolean;
  readonly log: Logger;
}

/**
 * What a raft node remembers, in the files of the reference (spec/consensus.md, section 12.1). One
 * change at a time.
 */
export class RaftLogFile {
  #state = blankState();
  #size = 0;
  /** What the last compaction had to keep. */
  #keptSize = 0;

  private constructor(readonly options: RaftLogOptions) {}

  /** Reads what was recorded; throws a {@linkcode RaftLogError} when it cannot be trusted. */
  static async open(options: RaftLogOptions): Promise<RaftLogFile> {
    const file = new RaftLogFile(options);
    try {
      const bytes = await options.files.read(ACTIVE);
      if (bytes === null) await file.#recover();
      else await file.#replay(bytes);
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
      const problem = "the disk is full: make room, and start this node again";
      throw new RaftLogError(`Cannot repair the raft log: ${problem}`, { cause });
    }
    return file;
  }

  get state(): RaftState {
    return this.#state;
  }

  /**
   * Records changes: they are on disk when this resolves, and then in the state. After a crash all of
   * them are there or none.
   */
  async append(operations: readonly Operation[]): Promise<void> {
    if (operations.length === 0) return;
    const next = applyOperations(this.#state, operations);
    const { hardState } = this.#state;
    const bytes = encodeBatch(operations, { hardState, offset: this.#size });
    await this.options.files.writeAt(ACTIVE, this.#size, bytes);
    this.#state = next;
    this.#size += bytes.length;
  }

  /**
   * Starts a new file, without what was applied, when the present one is large. The present one stays
   * in force until the new one is on disk.
   */
  async compactIfLarge(): Promise<void> {
    const { files, compactLimit, preservedMax, log } = this.options;
    const sizeBefore = this.#size;
    if (compactLimit === 0n || BigInt(sizeBefore - this.#keptSize) <= compactLimit) return;
    const size = await this.#writeTemp();
    // an earlier attempt may have got this far: the backup is all there is then, and keeps its name
    if ((await files.names()).includes(ACTIVE)) {
      await shift(files, logBackup, preservedMax);
      await files.rename(ACTIVE, logBackup(0));
    }
    await files.rename(TEMP, ACTIVE);
    this.#size = size;
    this.#keptSize = size;
    log.info(`compacted the raft log from ${sizeBefore} to ${size} bytes`);
  }

  /** A compaction that was cut short leaves no active file, or there never was one. */
  async #recover(): Promise<void> {
    const { files, log } = this.options;
    const name = logBackup(0);
    const bytes = await files.read(name);
    if (bytes === null) {
      await this.#checkNew();
    } else {
      log.warn(`recover the raft log from ${name}`);
      const { operations, goodSize } = readLog(bytes);
      if (goodSize < bytes.length) throw corrupt(name, bytes, goodSize);
      this.#state = replayed(name, operations);
    }
    this.#size = await this.#writeTemp();
    await files.rename(TEMP, ACTIVE);
  }

  /** A node that had a log once may have voted. */
  async #checkNew(): Promise<void> {
    const older = (await this.options.files.names()).find((name) => IS_NUMBERED.test(name));
    if (older === undefined) return;
    const absent = `\`${ACTIVE}\` and \`${logBackup(0)}\` are absent`;
    throw new RaftLogError(`${absent}, although \`${older}\` is there: ${WAY_OUT}`);
  }

  async #replay(bytes: Bytes): Promise<void> {
    const { operations, goodSize, isTorn } = readLog(bytes);
    const mayCut = isTorn && this.options.allowCorruptTail;
    if (goodSize === 0 || (goodSize < bytes.length && !mayCut)) {
      throw corrupt(ACTIVE, bytes, goodSize);
    }
    this.#state = replayed(ACTIVE, operations);
    if (isTorn) await this.#cutTail(bytes, goodSize);
    this.#size = goodSize;
  }

  /** An append that a crash cut short, which nobody relies on; a copy stays for who wonders. */
  async #cutTail(bytes: Bytes, goodSize: number): Promise<void> {
    const { files, preservedMax, log } = this.options;
    log.warn(`log file ${ACTIVE} is corrupt from byte ${goodSize} of ${bytes.length}: cut off`, {
      copy: corruptBackup(0),
    });
    // under its name when it is whole: with a full disk this may begin again at every start
    await files.writeAt(TEMP, 0, bytes.subarray(goodSize));
    await shift(files, corruptBackup, preservedMax);
    await files.rename(TEMP, corruptBackup(0));
    await files.writeAt(ACTIVE, goodSize, EMPTY_BYTES);
  }

  async #writeTemp(): Promise<number> {
    const { hardState } = blankState();
    const bytes = encodeBatch(compactOperations(this.#state), { hardState, offset: 0 });
    await this.options.files.writeAt(TEMP, 0, bytes);
    return bytes.length;
  }
}

function corrupt(name: string, { length }: Bytes, goodSize: number): RaftLogError {
  const place = `from byte ${goodSize} of ${length}`;
  return new RaftLogError(`log file \`${name}\` is corrupt ${place}: ${WAY_OUT}`);
}

function replayed(name: string, operations: readonly Operation[]): RaftState {
  try {
    const state = applyOperations(blankState(), operations);
    checkCommit(state);
    return state;
  } catch (error) {
    if (!(error instanceof RaftLogError)) throw error;
    throw new RaftLogError(`log file \`${name}\` cannot be replayed: ${error.message}`, {
      cause: error,
    });
  }
}

/** Without entries that it once acknowledged a node would vote for a leader that lacks them too. */
function checkCommit(state: RaftState): void {
  const { commit } = state.hardState;
  const last = lastIndexOf(state);
  if (commit <= last) return;
  throw new RaftLogError(`Entries are committed up to ${commit}, but the log ends at ${last}`);
}

/** Moves copies up by one number; the one with the highest is overwritten. */
async function shift(files: LogFiles, nameOf: BackupNames, preservedMax: number): Promise<void> {
  for (let number = preservedMax; number > 0; number--) {
    await files.rename(nameOf(number - 1), nameOf(number));
  }
}
