import { type Bytes, concatBytes } from "../../shared/bytes/mod.ts";

/** What bytes are read from; a connection is one. */
export interface ByteSource {
  /** Reads at least one byte; null at the end. */
  read(buffer: Bytes): Promise<number | null>;
}

/** What bytes are written to; a connection is one. */
export interface ByteSink {
  /** Writes some of the bytes and tells how many. */
  write(bytes: Bytes): Promise<number>;
}

/** Buffers for reading grow from the first to the second size while the peer fills them. */
const READ_SIZE_MIN = 4 * 1024;
const READ_SIZE_MAX = 256 * 1024;

/** Parts below the first size are joined into writes of at most the second. */
const JOINED_PART_SIZE_MAX = 16 * 1024;
const JOINED_WRITE_SIZE_MAX = 64 * 1024;

/** What one write has at most, so that progress shows on a large message. */
const WRITE_SIZE_MAX = 256 * 1024;

/** Reads a stream in chunks that are never written again, so that views of them stay valid. */
export class ChunkReader {
  readonly #source: ByteSource;
  #buffer = new Uint8Array(READ_SIZE_MIN);
  #offset = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next bytes; null at the end. */
  async read(): Promise<Bytes | null> {
    const size = await this.#source.read(this.#buffer.subarray(this.#offset));
    if (size === null) return null;
    const end = this.#offset + size;
    const buffer = this.#buffer;
    const chunk = buffer.subarray(this.#offset, end);
    this.#offset = end;
    if (buffer.length - end < buffer.length / 4) {
      const grows = size > buffer.length / 2 && buffer.length < READ_SIZE_MAX;
      this.#buffer = new Uint8Array(grows ? buffer.length * 4 : buffer.length);
      this.#offset = 0;
    }
    return chunk;
  }
}

/**
 * Writes parts in order, in few writes: small ones are copied together, large ones left alone.
 *
 * @param onProgress called whenever some bytes were taken
 */
export async function writeParts(
  sink: ByteSink,
  parts: readonly Bytes[],
  onProgress: () => void = () => {},
): Promise<void> {
  for (const chunk of joinSmallParts(parts)) {
    for (let rest = chunk; rest.length > 0;) {
      rest = rest.subarray(await sink.write(rest.subarray(0, WRITE_SIZE_MAX)));
      onProgress();
    }
  }
}

/** Errors of this program rather than of a connection; they must not be taken for one. */
export function isDefect(error: Error): boolean {
  return error.name === "InvariantError" || error instanceof TypeError ||
    error instanceof RangeError || error instanceof ReferenceError;
}

function* joinSmallParts(parts: readonly Bytes[]): Generator<Bytes> {
  let small: Bytes[] = [];
  let smallSize = 0;
  for (const part of parts) {
    const isLarge = part.length > JOINED_PART_SIZE_MAX;
    if (smallSize > 0 && (isLarge || smallSize + part.length > JOINED_WRITE_SIZE_MAX)) {
      yield concatBytes(...small);
      small = [];
      smallSize = 0;
    }
    if (isLarge) {
      yield part;
    } else {
      small.push(part);
      smallSize += part.length;
    }
  }
  if (smallSize > 0) yield concatBytes(...small);
}
