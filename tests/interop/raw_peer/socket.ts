import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";

/** What a raw peer needs of a connection; a `Deno.Conn` is one. */
export interface ByteStream {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Longer than any deadline of the service that a test waits for. */
const READ_TIMEOUT_MS = 20_000;

const READ_SIZE = 65_536;

/** Reads and writes exact numbers of bytes, each within a deadline. */
export class RawSocket implements Disposable {
  #unread: Bytes = new Uint8Array();
  #isClosed = false;

  constructor(readonly stream: ByteStream) {}

  /** Writes everything; fails when the other side has closed the connection. */
  async write(bytes: Bytes): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      rest = rest.subarray(await this.stream.write(Uint8Array.from(rest.subarray(0, 1 << 20))));
    }
  }

  /** The next bytes; fails when the connection ends before. */
  async read(size: number): Promise<Bytes> {
    while (this.#unread.length < size) {
      const chunk = await this.#readChunk();
      if (chunk === null) throw new Error(`the connection ended, ${size} bytes were to come`);
      this.#unread = concatBytes(this.#unread, chunk);
    }
    const bytes = this.#unread.subarray(0, size);
    this.#unread = this.#unread.subarray(size);
    return bytes;
  }

  /** Reads until the other side ends the connection, however it does; gives the last bytes. */
  async readToEnd(): Promise<Bytes> {
    const chunks = [this.#unread];
    try {
      for (let chunk = await this.#readChunk(); chunk !== null; chunk = await this.#readChunk()) {
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("nothing came")) throw error;
    }
    return concatBytes(...chunks);
  }

  async #readChunk(): Promise<Bytes | null> {
    const buffer = new Uint8Array(READ_SIZE);
    const { promise, reject } = Promise.withResolvers<never>();
    const fail = () => {
      this[Symbol.dispose]();
      reject(new Error(`nothing came within ${READ_TIMEOUT_MS} ms`));
    };
    const timer = SYSTEM_CLOCK.setTimer(READ_TIMEOUT_MS, fail);
    try {
      const size = await Promise.race([this.stream.read(buffer), promise]);
      return size === null ? null : buffer.subarray(0, size);
    } finally {
      timer.cancel();
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.stream.close();
    this.#isClosed = true;
  }
}
