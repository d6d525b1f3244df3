import { type Bytes, concatBytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { Random } from "../../../../shared/clock/mod.ts";
import type { LogFiles } from "../log/log_files.ts";

/** The process is gone: nothing reaches the disk any more. */
export class Crash extends Error {
  override name = "Crash";
}

/** What is left of a write: of the bytes behind the first `size` of a file, so many were written. */
export type Tear = (bytes: Bytes, size: number, written: number) => Bytes;

/** The process was killed: the bytes that were written are there. */
const killed: Tear = (bytes, _size, written) => bytes.subarray(0, written);

/** The least that a disk writes at once. */
const PAGE_SIZE = 512;

/** The power was lost: the file has its new size, and any pages of what is new are zeros. */
export function losingPages(random: Random): Tear {
  return (bytes, size) => {
    const torn = bytes.slice();
    const pageEnd = (at: number) => at + PAGE_SIZE - ((size + at) % PAGE_SIZE);
    for (let at = 0; at < torn.length; at = pageEnd(at)) {
      if (random() < 0.5) torn.fill(0, at, pageEnd(at));
    }
    return torn;
  };
}

/**
 * A folder in memory that outlives its processes. A crash can come before every byte of a write,
 * before every cut and before every rename.
 */
export class CrashingFiles implements LogFiles {
  readonly contents = new Map<string, Bytes>();
  /** Steps that were taken. */
  steps = 0;
  /** Further steps until the crash. */
  stepsLeft = Infinity;
  /** What a crash leaves of a write that it cuts short. */
  tear = killed;
  /** The name that something is renamed to at which the disk is full, once. */
  fullAt: string | null = null;

  names(): Promise<string[]> {
    return Promise.resolve([...this.contents.keys()]);
  }

  read(name: string): Promise<Bytes | null> {
    return Promise.resolve(this.contents.get(name) ?? null);
  }

  writeAt(name: string, size: number, bytes: Bytes): Promise<void> {
    return new Promise((resolve) => {
      const before = this.contents.get(name) ?? EMPTY_BYTES;
      if (before.length < size) throw new Error(`${name} has less than ${size} bytes`);
      this.#step(1);
      const kept = before.slice(0, size);
      const written = this.#possible(bytes.length);
      const left = written < bytes.length ? this.tear(bytes, size, written) : bytes;
      this.contents.set(name, concatBytes(kept, left));
      this.#step(bytes.length);
      resolve();
    });
  }

  rename(from: string, to: string): Promise<boolean> {
    return new Promise((resolve) => {
      const content = this.contents.get(from);
      if (content === undefined) return resolve(false);
      if (this.fullAt === to) {
        this.fullAt = null;
        throw Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
      }
      this.#step(1);
      this.contents.delete(from);
      this.contents.set(to, content);
      resolve(true);
    });
  }

  #possible(count: number): number {
    return Math.min(count, this.stepsLeft);
  }

  #step(count: number): void {
    const possible = this.#possible(count);
    this.steps += possible;
    this.stepsLeft -= possible;
    if (possible < count) throw new Crash();
  }
}
