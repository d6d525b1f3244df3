import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { type Word, wordOfBytes } from "../word.ts";
import { RecentLimit, RecentMap } from "./recent_map.ts";

/** Larger code is not worth the memory for what it pushes: eight bytes per byte of code. */
const CONSTANTS_KEPT_SIZE_MAX = 64 * 1024;

/** Zeros behind the code: running off its end meets a STOP, also after a cut-off PUSH32. */
const PADDING_SIZE = 33;

/**
 * Code prepared for the interpreter; immutable for its users. Jumps may lead into the data of a
 * PUSH (spec/executor_evm.md, 7.3), so nothing is decoded in advance: what a PUSH pushes is worked
 * out once per position.
 */
export class Program {
  /** The code and {@linkcode PADDING_SIZE} zeros. */
  readonly padded: Bytes;
  /** The code itself. */
  readonly code: Bytes;
  #constants: (Word | undefined)[] | null = null;

  /** @param code is copied: it may be a part of a memory */
  constructor(code: Bytes) {
    this.padded = new Uint8Array(code.length + PADDING_SIZE);
    this.padded.set(code);
    this.code = this.padded.subarray(0, code.length);
  }

  /** Bytes of memory that it takes, or will when it runs. */
  get heldBytes(): number {
    const { length } = this.code;
    return length > CONSTANTS_KEPT_SIZE_MAX ? length : 10 * length;
  }

  /** The constant of `size` bytes that begins at a position. */
  constant(position: number, size: number): Word {
    if (this.code.length > CONSTANTS_KEPT_SIZE_MAX) return this.#read(position, size);
    // an array of full length from the start: growing from position to position would make it slow
    const constants = this.#constants ??= new Array(this.code.length);
    const known = constants[position];
    if (known !== undefined) return known;
    return constants[position] = this.#read(position, size);
  }

  #read(position: number, size: number): Word {
    return wordOfBytes(this.padded.subarray(position, position + size));
  }
}

/** The code of an account without code. */
export const EMPTY_PROGRAM = new Program(EMPTY_BYTES);

/**
 * Bytes of memory for code that is kept prepared, see {@linkcode Program.heldBytes}. To read large
 * code again costs a call of 40 gas a millisecond: whoever wants to hold up a chain by that has to
 * deploy more than half of the bytes here first, at 200 gas each.
 */
const PROGRAM_BYTES_MAX = 128 * 1024 * 1024;

/** Prepared code by the hex text of its hash. Any number of states may share it. */
export class ProgramCache extends RecentMap<string, Program> {
  constructor(bytesMax = PROGRAM_BYTES_MAX) {
    super(new RecentLimit(bytesMax), ({ heldBytes }) => heldBytes);
  }
}
