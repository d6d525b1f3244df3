import { type Bytes, concatBytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { blobOf } from "../state/account.ts";
import { addressKey } from "../state/world_state.ts";
import { encodeBytes, encodeList, encodeUint } from "../rlp/mod.ts";
import type { Precompile } from "../precompiles/mod.ts";
import type { Execution } from "./context.ts";
import { VmError } from "./errors.ts";
import { type Checkpoint, Exit, Frame, type FrameStart } from "./frame.ts";
import { interpret } from "./interpret.ts";
import { wordCount } from "./memory.ts";
import { Opcode } from "./opcodes.ts";
import { Program } from "../state/program.ts";
import { add, bytesOfWord, div, low160, low64, sub, type Word, wordOfBytes } from "../word.ts";

/** How a call or creation ended. */
export type Outcome =
  | { readonly kind: "success"; readonly gasLeft: Word; readonly output: Bytes }
  | { readonly kind: "revert"; readonly gasLeft: Word; readonly output: Bytes }
  | { readonly kind: "failure"; readonly error: VmError };

/** A call of a transaction; the addresses are words below 2^160. */
export interface CallMessage {
  readonly caller: Word;
  readonly to: Word;
  /** Visible to the code but not moved: top-level values never are (section 6). */
  readonly value: Word;
  readonly input: Bytes;
  readonly gas: Word;
}

/** A creation by a transaction. */
export interface CreateMessage {
  readonly caller: Word;
  /** Nonce of the caller that the address is made from. */
  readonly nonce: Word;
  readonly value: Word;
  readonly initCode: Bytes;
  readonly gas: Word;
}

/** Frames that may wait for an inner one: the outermost has depth 0 (section 7.3). */
const DEPTH_MAX = 1024;

const VALUE_GAS = 9_000;
const NEW_ACCOUNT_GAS = 25_000;
const STIPEND = 2_300;
const DEPOSIT_GAS_PER_BYTE = 200;
const CREATE_GAS = 32_000;
const CREATE2_GAS_PER_WORD = 6;

/** Init code of this size or more is an internal error, whatever gas there is. */
const CODE_SIZE_LIMIT = 2n ** 64n;

/** A call as it is about to begin. */
interface PlannedCall extends Omit<FrameStart, "program" | "creates"> {
  /** Whose code runs. */
  readonly codeAddress: Word;
  /** What is moved from the caller to the callee. */
  readonly transfer: Word;
}

/**
 * Runs a call or creation with all its inner ones (spec/executor_evm.md, section 8). Inner frames do
 * not nest on the stack of the process: 1,024 of them would overflow it.
 */
export class Machine {
  readonly #execution: Execution;
  readonly #frames: Frame[];
  #depth = -1;

  /** @param frames frames of machines that ended, to use again; grows with the depth of calls */
  constructor(execution: Execution, frames: Frame[]) {
    this.#execution = execution;
    this.#frames = frames;
  }

  /**
   * Runs the code of an account. The state keeps the effects unless the outcome is no success.
   *
   * @returns null when it paused: {@linkcode resume} it
   */
  call(message: CallMessage): Outcome | null {
    const { caller, to, value, input, gas } = message;
    const planned = { caller, address: to, codeAddress: to, value, input, gas };
    return this.#openCall({ ...planned, transfer: 0, isReadOnly: false }) ?? this.resume();
  }

  /** As {@linkcode call} for a contract at the {@linkcode createAddress} of caller and nonce. */
  create(message: CreateMessage): Outcome | null {
    const { caller, nonce, value, initCode, gas } = message;
    const address = createAddress(caller, nonce, this.#execution.natives.keccak);
    const planned = { caller, address, value, gas, input: initCode };
    return this.#openCreate({ ...planned, transfer: 0 }) ?? this.resume();
  }

  /** Runs the opened frames to their end, or null when they paused again. */
  resume(): Outcome | null {
    const execution = this.#execution;
    for (;;) {
      const frame = this.#frame(this.#depth);
      const exit = interpret(frame, execution);
      if (exit === Exit.Pause) return null;
      const outcome = exit === Exit.Call ? this.#callFrom(frame) : this.#close(frame, exit);
      if (outcome === null) continue;
      frame.end();
      this.#depth--;
      if (this.#depth < 0) return outcome;
      deliver(this.#frame(this.#depth), outcome, frame.creates);
    }
  }

  /** Bytes of memory that a machine holds while it is paused. */
  get heldBytes(): number {
    return this.#frames.reduce((sum, frame) => sum + frame.heldBytes, this.#execution.heldBytes);
  }

  #frame(depth: number): Frame {
    return this.#frames[depth] ??= new Frame(depth);
  }

  /** Opens a frame, or gives the outcome of a call that needs none. */
  #openCall(planned: PlannedCall): Outcome | null {
    const execution = this.#execution;
    const checkpoint = execution.checkpoint();
    const { state } = execution;
    state.transfer(addressKey(planned.caller), addressKey(planned.address), planned.transfer);
    const { codeAddress, input, gas } = planned;
    const native = typeof codeAddress === "number"
      ? execution.natives.precompiles(codeAddress)
      : undefined;
    if (native !== undefined) {
      const outcome = runPrecompile(native, input, gas);
      if (outcome.kind !== "success") execution.rollback(checkpoint);
      return outcome;
    }
    const program = state.program(addressKey(codeAddress));
    if (program.code.length === 0) return { kind: "success", gasLeft: gas, output: EMPTY_BYTES };
    this.#open({ ...planned, program, creates: null }, checkpoint);
    return null;
  }

  /** As {@linkcode #openCall} for the init code in `input`. */
  #openCreate(planned: Omit<PlannedCall, "codeAddress" | "isReadOnly">): Outcome | null {
    const execution = this.#execution;
    const { state } = execution;
    const { address, transfer, input } = planned;
    const key = addressKey(address);
    const existing = state.account(key);
    if (existing !== null && (existing.nonce !== 0 || state.program(key).code.length > 0)) {
      return { kind: "failure", error: VmError.Internal };
    }
    const checkpoint = execution.checkpoint();
    state.createContract(key);
    state.transfer(addressKey(planned.caller), key, transfer);
    const program = new Program(input);
    const start = { ...planned, program, input: EMPTY_BYTES, isReadOnly: false, creates: address };
    this.#open(start, checkpoint);
    return null;
  }

  #open(start: FrameStart, checkpoint: Checkpoint): void {
    this.#depth++;
    this.#frame(this.#depth).start(start, checkpoint);
  }

  /** Settles what a frame that ended leaves behind. */
  #close(frame: Frame, exit: Exit): Outcome {
    const execution = this.#execution;
    const { output, checkpoint } = frame;
    if (exit === Exit.Success) {
      if (frame.creates !== null) return this.#deposit(frame, frame.creates);
      return { kind: "success", gasLeft: frame.gasLeft(), output };
    }
    execution.rollback(checkpoint);
    if (exit === Exit.Revert) return { kind: "revert", gasLeft: frame.gasLeft(), output };
    return { kind: "failure", error: frame.error };
  }

  /** Pays for the code that init code returned and sets it (8.2). */
  #deposit(frame: Frame, address: Word): Outcome {
    const execution = this.#execution;
    const { output, checkpoint } = frame;
    if (!frame.useGas(DEPOSIT_GAS_PER_BYTE * output.length)) {
      // refunds and self-destructions of the init code stay, as in the reference
      execution.rollbackState(checkpoint);
      return { kind: "failure", error: VmError.OutOfQuota };
    }
    const key = addressKey(address);
    const account = execution.state.accountOrNew(key);
    execution.state.setAccount(key, { ...account, code: blobOf(output, execution.natives.keccak) });
    return { kind: "success", gasLeft: frame.gasLeft(), output };
  }

  /** Begins what a frame asked for; the outcome of the frame itself when it fails by that. */
  #callFrom(frame: Frame): Outcome | null {
    const { op } = frame;
    const isCreate = op === Opcode.Create || op === Opcode.Create2;
    const error = isCreate ? this.#createFrom(frame) : this.#innerCall(frame);
    if (error === null) return null;
    frame.error = error;
    return this.#close(frame, Exit.Failure);
  }

  #createFrom(frame: Frame): VmError | null {
    const execution = this.#execution;
    const value = frame.pop();
    const offset = frame.pop();
    const size = frame.pop();
    const salt = frame.op === Opcode.Create2 ? frame.pop() : null;
    // the reference has no room for such a size, and tells so before it asks for gas
    if (size >= CODE_SIZE_LIMIT) return VmError.Internal;
    const hashing = salt === null ? 0 : CREATE2_GAS_PER_WORD * wordCount(Number(size));
    const cost = CREATE_GAS + frame.memory.growthCost(offset, size) + hashing;
    if (!frame.useGas(cost)) return VmError.OutOfQuota;
    frame.memory.grow(Number(offset), Number(size));
    frame.returnData = EMPTY_BYTES;
    if (value > execution.state.balance(frame.key) || frame.depth >= DEPTH_MAX) {
      frame.push(0);
      return null;
    }
    const gas = allButOne64th(frame);
    frame.takeGas(gas);
    const input = frame.memory.viewOf(offset, size);
    const nonce = execution.state.nonce(frame.key);
    execution.state.incrementNonce(frame.key);
    const address = salt === null
      ? createAddress(frame.address, nonce, execution.natives.keccak)
      : create2Address({ creator: frame.address, salt, initCode: input }, execution.natives.keccak);
    const planned = { caller: frame.address, address, value, transfer: value, input, gas };
    const outcome = this.#openCreate(planned);
    if (outcome !== null) deliver(frame, outcome, address);
    return null;
  }

  #innerCall(frame: Frame): VmError | null {
    const { op, memory } = frame;
    const { state } = this.#execution;
    const requestedGas = frame.pop();
    const target = low160(frame.pop());
    const hasValue = op === Opcode.Call || op === Opcode.CallCode;
    const value = hasValue ? frame.pop() : 0;
    const [inputOffset, inputSize] = [frame.pop(), frame.pop()];
    const [outputOffset, outputSize] = [frame.pop(), frame.pop()];

    let cost = value === 0 ? 0 : VALUE_GAS;
    if (op === Opcode.Call && state.account(addressKey(target)) === null) cost += NEW_ACCOUNT_GAS;
    if (!frame.useGas(cost + memory.growthCost(inputOffset, inputSize))) return VmError.OutOfQuota;
    memory.grow(Number(inputOffset), Number(inputSize));
    if (!frame.useGas(memory.growthCost(outputOffset, outputSize))) return VmError.OutOfQuota;
    memory.grow(Number(outputOffset), Number(outputSize));
    if (op === Opcode.Call && frame.isReadOnly && value !== 0) {
      return VmError.MutableCallInStaticContext;
    }
    frame.returnData = EMPTY_BYTES;
    if (value > state.balance(frame.key) || frame.depth >= DEPTH_MAX) {
      if (value !== 0) frame.addGas(STIPEND);
      frame.push(0);
      return null;
    }
    const wanted = low64(requestedGas);
    const available = allButOne64th(frame);
    const forwarded = available < wanted ? available : wanted;
    frame.takeGas(forwarded);
    frame.resultOffset = Number(outputOffset);
    frame.resultSize = Number(outputSize);
    const isDelegate = op === Opcode.DelegateCall;
    const runsHere = isDelegate || op === Opcode.CallCode;
    const outcome = this.#openCall({
      caller: isDelegate ? frame.caller : frame.address,
      address: runsHere ? frame.address : target,
      codeAddress: target,
      value: isDelegate ? frame.value : value,
      transfer: value,
      input: memory.viewOf(inputOffset, inputSize),
      gas: value === 0 ? forwarded : add(forwarded, STIPEND),
      isReadOnly: frame.isReadOnly || op === Opcode.StaticCall,
    });
    if (outcome !== null) deliver(frame, outcome, null);
    return null;
  }
}

/** Hands the outcome of a call or creation to the frame that made it. */
function deliver(frame: Frame, outcome: Outcome, created: Word | null): void {
  if (outcome.kind === "failure") {
    frame.push(0);
    return;
  }
  const { kind, gasLeft, output } = outcome;
  frame.addGas(gasLeft);
  if (created !== null) {
    frame.push(kind === "success" ? created : 0);
    if (kind === "revert") frame.returnData = output;
    return;
  }
  frame.push(kind === "success" ? 1 : 0);
  frame.returnData = output;
  const size = Math.min(frame.resultSize, output.length);
  if (size > 0) frame.memory.bytes.set(output.subarray(0, size), frame.resultOffset);
}

function runPrecompile(native: Precompile, input: Bytes, gas: Word): Outcome {
  const cost = native.gas(input);
  if (gas < cost) return { kind: "failure", error: VmError.OutOfQuota };
  const output = native.run(input);
  if (output === null) return { kind: "failure", error: VmError.Internal };
  return { kind: "success", gasLeft: sub(gas, Number(cost)), output };
}

function allButOne64th(frame: Frame): Word {
  const gas = frame.gasLeft();
  return sub(gas, div(gas, 64));
}

/** Address of a contract that an account creates with a nonce (8.2). */
export function createAddress(creator: Word, nonce: Word, keccak: HashFunction): Word {
  const parts = [encodeBytes(bytesOfWord(creator, 20)), encodeUint(nonce)];
  return low160(wordOfBytes(keccak(encodeList(parts))));
}

/** Address of a contract that is created with a salt (8.2). */
function create2Address(
  parts: { readonly creator: Word; readonly salt: Word; readonly initCode: Bytes },
  keccak: HashFunction,
): Word {
  const preimage = concatBytes(
    Uint8Array.of(0xff),
    bytesOfWord(parts.creator, 20),
    bytesOfWord(parts.salt, 32),
    keccak(parts.initCode),
  );
  return low160(wordOfBytes(keccak(preimage)));
}
