import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { type AddressKey, addressKey } from "../state/world_state.ts";
import { VmError } from "./errors.ts";
import { Memory } from "./memory.ts";
import { STACK_HEIGHT_MAX } from "./opcodes.ts";
import { EMPTY_PROGRAM, type Program } from "../state/program.ts";
import { add, bytesOfWord, toWord, type Word } from "../word.ts";

/** Gas beyond this is held in reserve, so that the working part is an exact double. */
const WORKING_GAS_MAX = 2 ** 52;

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
  readonly refund: number;
  readonly destructed: number;
}

/** A running piece of code. Frames are used again, one per depth. */
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
  checkpoint: Checkpoint = { state: 0, logs: 0, refund: 0, destructed: 0 };
  /** Position of the next instruction. */
  pc = 0;
  /** Height of the stack. */
  height = 0;
  /** Working gas: at most {@linkcode WORKING_GAS_MAX} when it was set. */
  gas = 0;
  /** Gas beyond the working part. */
  reserve = 0n;
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

  /** Makes the frame ready to run. */
  start(start: FrameStart, checkpoint: Checkpoint): void {
    this.memory.reset();
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
    this.reserve = 0n;
    this.gas = 0;
    this.addGas(start.gas);
    this.returnData = EMPTY_BYTES;
    this.output = EMPTY_BYTES;
  }

  /** {@linkcode address} in 20 bytes, the same for all logs of the frame: there may be millions. */
  get addressBytes(): Bytes {
    return this.#addressBytes ??= bytesOfWord(this.address, 20);
  }

  /** All gas that is left. */
  gasLeft(): Word {
    return this.reserve === 0n ? this.gas : toWord(this.reserve + BigInt(this.gas));
  }

  /** Gives gas to the frame. */
  addGas(amount: Word): void {
    const total = add(this.gasLeft(), amount);
    if (typeof total === "number" && total <= WORKING_GAS_MAX) {
      this.gas = total;
      return;
    }
    this.gas = WORKING_GAS_MAX;
    this.reserve = BigInt(total) - BigInt(WORKING_GAS_MAX);
  }

  /**
   * Draws on the reserve after the working gas was overdrawn.
   *
   * @param gas the working gas, negative or minus infinity
   * @returns the new working gas, still negative when the gas does not suffice
   */
  refill(gas: number): number {
    if (this.reserve === 0n || gas === -Infinity) return -1;
    const total = this.reserve + BigInt(gas);
    if (total < 0n) return -1;
    const working = total < BigInt(WORKING_GAS_MAX) ? total : BigInt(WORKING_GAS_MAX);
    this.reserve = total - working;
    return Number(working);
  }

  /** Takes gas away; false when there is not enough. */
  useGas(amount: number): boolean {
    this.gas -= amount;
    if (this.gas < 0) this.gas = this.refill(this.gas);
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
