import { type Bytes, concatBytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { LogFiles } from "../log/log_files.ts";

/** The process is gone: nothing reaches the disk any more. */
export class Crash extends Error {
  override name = "Crash";
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
      this.contents.set(name, concatBytes(kept, bytes.subarray(0, written)));
      this.#step(bytes.length);
      resolve();
    });
  }

  rename(from: string, to: string): Promise<boolean> {
    return new Promise((resolve) => {
      const content = this.contents.get(from);
      if (content === undefined) return resolve(false);
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
