import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { type AddressKey, addressKey } from "../state/world_state.ts";
import { VmError } from "./errors.ts";
import { Memory } from "./memory.ts";
import { STACK_HEIGHT_MAX } from "./opcodes.ts";
import { EMPTY_PROGRAM, type Program } from "../state/program.ts";
import { add, bytesOfWord, sub, type Word } from "../word.ts";

/** A word takes a pointer, and 48 bytes more when it is wide. */
const STACK_BYTES = 56 * STACK_HEIGHT_MAX;

/** How the interpreter left a frame. */
export const Exit = {
  /** The frame succeeded with {@linkcode Frame.output}. */
  Success: 0,
  /** The frame asked to be undone, with {@linkcode Frame.output}. */
  Revert: 1,
  /** The frame failed with {@linkcode Frame.error}. */
  Failure: 2,
  /** The frame calls or creates: {@linkcode Frame.op}, with its arguments on the stack. */
  Call: 3,
  /** The frame lets others go on, and then continues with the next instruction. */
  Pause: 4,
} as const;

/** One of the ways. */
export type Exit = (typeof Exit)[keyof typeof Exit];

/** What a frame runs with. Addresses are words below 2^160. */
export interface FrameStart {
  readonly program: Program;
  /** Whose storage and balance the frame uses. */
  readonly address: Word;
  readonly caller: Word;
  readonly value: Word;
  readonly input: Bytes;
  readonly gas: Word;
  readonly isReadOnly: boolean;
  /** Address of the contract that the frame initialises, null for a call. */
  readonly creates: Word | null;
}

/** What is restored when a frame fails. */
export interface Checkpoint {
  readonly state: number;
  readonly logs: number;
  readonly logBytes: number;
  readonly refund: number;
  readonly destructed: number;
}

/** A running piece of code. Frames are used again, one per depth: after {@linkcode Frame.end}. */
export class Frame {
  readonly stack: Word[] = new Array<Word>(STACK_HEIGHT_MAX).fill(0);
  readonly memory = new Memory();
  program: Program = EMPTY_PROGRAM;
  address: Word = 0;
  /** Key of {@linkcode address}. */
  key: AddressKey = "0";
  #addressBytes: Bytes | null = null;
  caller: Word = 0;
  value: Word = 0;
  input: Bytes = EMPTY_BYTES;
  isReadOnly = false;
  creates: Word | null = null;
  checkpoint: Checkpoint = { state: 0, logs: 0, logBytes: 0, refund: 0, destructed: 0 };
  /** Position of the next instruction. */
  pc = 0;
  /** Height of the stack. */
  height = 0;
  /** Working gas: what is used before the frame is asked whether it must pause. */
  gas = 0;
  /** Gas beyond the working part. */
  reserve: Word = 0;
  /** Result of the last call made. */
  returnData: Bytes = EMPTY_BYTES;
  /** The instruction that made the interpreter leave with {@linkcode Exit.Call}. */
  op = 0;
  /** Where the caller's memory takes the result of the call under way. */
  resultOffset = 0;
  resultSize = 0;
  output: Bytes = EMPTY_BYTES;
  error: VmError = VmError.Internal;

  constructor(readonly depth: number) {}

  /** Makes a frame that is new, or was ended, ready to run. */
  start(start: FrameStart, checkpoint: Checkpoint): void {
    this.program = start.program;
    this.address = start.address;
    this.key = addressKey(start.address);
    this.#addressBytes = null;
    this.caller = start.caller;
    this.value = start.value;
    this.input = start.input;
    this.isReadOnly = start.isReadOnly;
    this.creates = start.creates;
    this.checkpoint = checkpoint;
    this.pc = 0;
    this.height = 0;
    this.gas = 0;
    this.reserve = start.gas;
  }

  /** Lets go of what the frame ran with and on, so that it holds little until it runs again. */
  end(): void {
    this.memory.reset();
    this.program = EMPTY_PROGRAM;
    this.input = EMPTY_BYTES;
    this.returnData = EMPTY_BYTES;
    this.output = EMPTY_BYTES;
  }

  /** {@linkcode address} in 20 bytes, the same for all logs of the frame: there may be millions. */
  get addressBytes(): Bytes {
    return this.#addressBytes ??= bytesOfWord(this.address, 20);
  }

  /** Bytes of memory that the frame holds; one that ended keeps its stack and a small memory. */
  get heldBytes(): number {
    // what is called is kept by the state and shared, init code is of this frame alone
    const programBytes = this.creates === null ? 0 : this.program.heldBytes;
    return STACK_BYTES + this.memory.bytes.length + this.returnData.length + programBytes;
  }

  /** All gas that is left. */
  gasLeft(): Word {
    return add(this.reserve, this.gas);
  }

  /** Gives gas to the frame. */
  addGas(amount: Word): void {
    this.reserve = add(this.reserve, amount);
  }

  /** Takes gas that the frame is known to have, and all working gas back: see {@linkcode refill}. */
  takeGas(amount: Word): void {
    this.reserve = sub(this.gasLeft(), amount);
    this.gas = 0;
  }

  /**
   * Covers working gas that was overdrawn from the reserve.
   *
   * @param gas the working gas, negative or minus infinity
   * @returns the new working gas, 0, or -1 when the reserve does not suffice
   */
  cover(gas: number): number {
    if (gas === -Infinity || this.reserve < -gas) return -1;
    this.reserve = sub(this.reserve, -gas);
    return 0;
  }

  /** As {@linkcode cover}, with a further slice of the reserve to work with. */
  refill(gas: number, slice: number): number {
    if (this.cover(gas) < 0) return -1;
    const working = this.reserve < slice ? Number(this.reserve) : slice;
    this.reserve = sub(this.reserve, working);
    return working;
  }

  /** Uses gas; false when there is not enough. */
  useGas(amount: number): boolean {
    this.gas -= amount;
    if (this.gas < 0) this.gas = this.cover(this.gas);
    return this.gas >= 0;
  }

  /** Takes the topmost word; the height was checked. */
  pop(): Word {
    return this.stack[--this.height] ?? 0;
  }

  /** Puts a word on top; the height was checked. */
  push(word: Word): void {
    this.stack[this.height++] = word;
  }
}

/** Executions that end leave their frames for others: so many, and no more than so many each. */
const IDLE_POOLS_MAX = 8;
const IDLE_FRAMES_MAX = 16;

/** Frames to use again. An execution has those that it took for itself, also while it is paused. */
export class FramePools {
  readonly #idle: Frame[][] = [];

  /** Frames for one execution; they become more as its calls nest. */
  take(): Frame[] {
    return this.#idle.pop() ?? [];
  }

  /** Takes back the frames of an execution that ended, or that will not go on. */
  giveBack(frames: Frame[]): void {
    if (this.#idle.length >= IDLE_POOLS_MAX) return;
    frames.length = Math.min(frames.length, IDLE_FRAMES_MAX);
    for (const frame of frames) frame.end();
    this.#idle.push(frames);
  }
}
