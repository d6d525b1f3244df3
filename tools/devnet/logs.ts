import type { Clock } from "../../shared/clock/mod.ts";
import { type DevNode, type Role, ROLES } from "./chain.ts";
import { errorFileOf } from "./node_control.ts";

/** Lines of each file that are shown at the beginning. */
const SHOWN_LINES = 50;
/** Enough for that many lines of a usual length. */
const SHOWN_SIZE_MAX = 64 * 1024;
const READ_SIZE = 64 * 1024;
const FOLLOW_INTERVAL_MS = 300;

/** What `logs` is asked for. */
export interface LogsOptions {
  readonly node: DevNode;
  /** Undefined for all roles. */
  readonly role: Role | undefined;
  readonly isFollowing: boolean;
}

/** What `logs` works with. */
export interface LogsDeps {
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Aborted when following shall end. */
  readonly signal: AbortSignal;
}

/** Prints the ends of a node's log files, then what is added to them. */
export async function showLogs(options: LogsOptions, deps: LogsDeps): Promise<void> {
  const { node, role, isFollowing } = options;
  const roles = role === undefined ? ROLES : [role];
  const tails = roles.flatMap((each) => [
    new Tail(`${node.path}/logs/${each}-service.log`, role === undefined ? `${each}: ` : ""),
    new Tail(errorFileOf(node, each), `${each} stderr: `),
  ]);
  do {
    for (const tail of tails) {
      const text = tail.read();
      if (text !== "") deps.write(text);
    }
    if (isFollowing) await deps.clock.sleep(FOLLOW_INTERVAL_MS, deps.signal);
  } while (isFollowing && !deps.signal.aborted);
}

/** The end of a file that grows, and begins anew when it was full. */
export class Tail {
  readonly #path: string;
  readonly #prefix: string;
  #offset: number | null = null;
  /** Tells the file from the one that replaced it. */
  #inode: number | null = null;
  #decoder = new TextDecoder();
  /** Begin of a line whose end is not written yet. */
  #rest = "";

  constructor(path: string, prefix: string) {
    this.#path = path;
    this.#prefix = prefix;
  }

  /** The whole lines since the last call, with the prefix; the last ones at the first call. */
  read(): string {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
    using _ = file;
    const { size, ino } = file.statSync();
    const isFirst = this.#offset === null;
    if (this.#inode !== null && (this.#inode !== ino || size < (this.#offset ?? 0))) {
      this.#offset = 0;
      this.#rest = "";
    }
    this.#inode = ino;
    const start = this.#offset ?? Math.max(0, size - SHOWN_SIZE_MAX);
    const lines = this.#linesFrom(file, start);
    if (isFirst && start > 0) lines.shift(); // its begin was cut off
    const shown = isFirst ? lines.slice(-SHOWN_LINES) : lines;
    return shown.map((line) => `${this.#prefix}${line}\n`).join("");
  }

  #linesFrom(file: Deno.FsFile, start: number): string[] {
    file.seekSync(start, Deno.SeekMode.Start);
    this.#offset = start;
    const buffer = new Uint8Array(READ_SIZE);
    let text = this.#rest;
    for (;;) {
      const size = file.readSync(buffer);
      if (size === null || size === 0) break;
      this.#offset += size;
      text += this.#decoder.decode(buffer.subarray(0, size), { stream: true });
    }
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    return lines;
  }
}
