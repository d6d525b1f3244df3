import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { Execution } from "./context.ts";
import { VmError } from "./errors.ts";
import { Exit, type Frame } from "./frame.ts";
import { wordCount } from "./memory.ts";
import { GAS, HEIGHT_BEFORE_MAX, INPUTS, isDefined, Opcode, READ_ONLY_INPUTS } from "./opcodes.ts";
import {
  add,
  addmod,
  and,
  byteAt,
  byteSize,
  bytesOfWord,
  div,
  exp,
  loadWord,
  low160,
  mod,
  mul,
  mulmod,
  not,
  or,
  readWord,
  sar,
  sdiv,
  shl,
  shr,
  signextend,
  slt,
  smod,
  sub,
  type Word,
  wordOfBytes,
  writeWord,
  xor,
} from "../word.ts";
import { addressKey } from "../state/world_state.ts";

/** What GASLIMIT answers: blocks have no limit. */
const BLOCK_GAS_LIMIT = 2n ** 64n - 1n;

/** What CHAINID answers, whatever the chain. */
const CHAIN_ID = 1;

const COPY_GAS_PER_WORD = 3;
const HASH_GAS_PER_WORD = 6;
const LOG_GAS_PER_BYTE = 8;
const EXP_GAS_PER_BYTE = 10;
const STORAGE_SET_GAS = 20_000;
const STORAGE_CHANGE_GAS = 5_000;
const STORAGE_CLEAR_REFUND = 15_000;

/**
 * Runs a frame until it ends, fails, calls, creates or pauses (spec/executor_evm.md, section 7). The
 * order of the checks decides which error a receipt names. It is one function because its registers are
 * local variables: about 60 million instructions per second, see `bench/executor.ts`.
 */
export function interpret(frame: Frame, execution: Execution): Exit {
  const { stack, memory, program } = frame;
  const code = program.padded;
  const inputs = frame.isReadOnly ? READ_ONLY_INPUTS : INPUTS;
  let { pc, height: top, gas } = frame;

  for (;;) {
    const op = code[pc]!;
    if (top < inputs[op]! || top > HEIGHT_BEFORE_MAX[op]!) return fail(frame, refusal(op, top));
    gas -= GAS[op]!;
    if (gas < 0) {
      gas = frame.refill(gas, execution.pace.gasSlice);
      if (gas < 0) return fail(frame, VmError.OutOfQuota);
      if (execution.pace.mustPause()) {
        frame.pc = pc;
        frame.height = top;
        frame.gas = gas + GAS[op]!;
        return Exit.Pause;
      }
    }
    pc++;
    switch (op) {
      case 0x00: // STOP
        frame.gas = gas;
        frame.output = EMPTY_BYTES;
        return Exit.Success;
      case 0x01: // ADD
        top--;
        stack[top - 1] = add(stack[top]!, stack[top - 1]!);
        break;
      case 0x02: // MUL
        top--;
        stack[top - 1] = mul(stack[top]!, stack[top - 1]!);
        break;
      case 0x03: // SUB
        top--;
        stack[top - 1] = sub(stack[top]!, stack[top - 1]!);
        break;
      case 0x04: // DIV
        top--;
        stack[top - 1] = div(stack[top]!, stack[top - 1]!);
        break;
      case 0x05: // SDIV
        top--;
        stack[top - 1] = sdiv(stack[top]!, stack[top - 1]!);
        break;
      case 0x06: // MOD
        top--;
        stack[top - 1] = mod(stack[top]!, stack[top - 1]!);
        break;
      case 0x07: // SMOD
        top--;
        stack[top - 1] = smod(stack[top]!, stack[top - 1]!);
        break;
      case 0x08: // ADDMOD
        top -= 2;
        stack[top - 1] = addmod(stack[top + 1]!, stack[top]!, stack[top - 1]!);
        break;
      case 0x09: // MULMOD
        top -= 2;
        stack[top - 1] = mulmod(stack[top + 1]!, stack[top]!, stack[top - 1]!);
        break;
      case 0x0a: { // EXP
        top--;
        const exponent = stack[top - 1]!;
        gas -= EXP_GAS_PER_BYTE * byteSize(exponent);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        stack[top - 1] = exp(stack[top]!, exponent);
        break;
      }
      case 0x0b: // SIGNEXTEND
        top--;
        stack[top - 1] = signextend(stack[top]!, stack[top - 1]!);
        break;
      case 0x10: // LT
        top--;
        stack[top - 1] = stack[top]! < stack[top - 1]! ? 1 : 0;
        break;
      case 0x11: // GT
        top--;
        stack[top - 1] = stack[top]! > stack[top - 1]! ? 1 : 0;
        break;
      case 0x12: // SLT
        top--;
        stack[top - 1] = slt(stack[top]!, stack[top - 1]!) ? 1 : 0;
        break;
      case 0x13: // SGT
        top--;
        stack[top - 1] = slt(stack[top - 1]!, stack[top]!) ? 1 : 0;
        break;
      case 0x14: // EQ
        top--;
        stack[top - 1] = stack[top] === stack[top - 1] ? 1 : 0;
        break;
      case 0x15: // ISZERO
        stack[top - 1] = stack[top - 1] === 0 ? 1 : 0;
        break;
      case 0x16: // AND
        top--;
        stack[top - 1] = and(stack[top]!, stack[top - 1]!);
        break;
      case 0x17: // OR
        top--;
        stack[top - 1] = or(stack[top]!, stack[top - 1]!);
        break;
      case 0x18: // XOR
        top--;
        stack[top - 1] = xor(stack[top]!, stack[top - 1]!);
        break;
      case 0x19: // NOT
        stack[top - 1] = not(stack[top - 1]!);
        break;
      case 0x1a: // BYTE
        top--;
        stack[top - 1] = byteAt(stack[top]!, stack[top - 1]!);
        break;
      case 0x1b: // SHL
        top--;
        stack[top - 1] = shl(stack[top]!, stack[top - 1]!);
        break;
      case 0x1c: // SHR
        top--;
        stack[top - 1] = shr(stack[top]!, stack[top - 1]!);
        break;
      case 0x1d: // SAR
        top--;
        stack[top - 1] = sar(stack[top]!, stack[top - 1]!);
        break;
      case 0x20: { // SHA3
        top--;
        const offset = stack[top]!;
        const size = stack[top - 1]!;
        gas -= memory.growthCost(offset, size) + perWord(HASH_GAS_PER_WORD, size);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        memory.grow(Number(offset), Number(size));
        stack[top - 1] = wordOfBytes(execution.natives.keccak(memory.viewOf(offset, size)));
        break;
      }
      case 0x30: // ADDRESS
        stack[top++] = frame.address;
        break;
      case 0x31: // BALANCE
        stack[top - 1] = execution.state.balance(addressKey(low160(stack[top - 1]!)));
        break;
      case 0x32: // ORIGIN
        stack[top++] = execution.transaction.origin;
        break;
      case 0x33: // CALLER
        stack[top++] = frame.caller;
        break;
      case 0x34: // CALLVALUE
        stack[top++] = frame.value;
        break;
      case 0x35: // CALLDATALOAD
        stack[top - 1] = loadWord(frame.input, stack[top - 1]!);
        break;
      case 0x36: // CALLDATASIZE
        stack[top++] = frame.input.length;
        break;
      case 0x37: // CALLDATACOPY
      case 0x39: { // CODECOPY
        top -= 3;
        const size = stack[top]!;
        const target = stack[top + 2]!;
        gas -= memory.growthCost(target, size) + perWord(COPY_GAS_PER_WORD, size);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        if (size === 0) break;
        memory.grow(Number(target), Number(size));
        const source = op === 0x37 ? frame.input : program.code;
        memory.fill(Number(target), Number(size), { source, from: stack[top + 1]! });
        break;
      }
      case 0x38: // CODESIZE
        stack[top++] = program.code.length;
        break;
      case 0x3a: // GASPRICE
        stack[top++] = execution.transaction.gasPrice;
        break;
      case 0x3b: { // EXTCODESIZE
        const key = addressKey(low160(stack[top - 1]!));
        stack[top - 1] = execution.state.program(key).code.length;
        break;
      }
      case 0x3c: { // EXTCODECOPY
        top -= 4;
        const size = stack[top]!;
        const target = stack[top + 2]!;
        gas -= memory.growthCost(target, size) + perWord(COPY_GAS_PER_WORD, size);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        if (size === 0) break;
        memory.grow(Number(target), Number(size));
        const source = execution.state.program(addressKey(low160(stack[top + 3]!))).code;
        memory.fill(Number(target), Number(size), { source, from: stack[top + 1]! });
        break;
      }
      case 0x3d: // RETURNDATASIZE
        stack[top++] = frame.returnData.length;
        break;
      case 0x3e: { // RETURNDATACOPY
        top -= 3;
        const source = frame.returnData;
        const size = stack[top]!;
        const from = stack[top + 1]!;
        const target = stack[top + 2]!;
        const charged = size < source.length ? size : source.length;
        gas -= memory.growthCost(target, size) + perWord(COPY_GAS_PER_WORD, charged);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        if (typeof from !== "number" || from + Number(size) > source.length) {
          return fail(frame, VmError.OutOfBounds);
        }
        if (size === 0) break;
        memory.grow(Number(target), Number(size));
        memory.fill(Number(target), Number(size), { source, from });
        break;
      }
      case 0x3f: { // EXTCODEHASH
        const account = execution.state.account(addressKey(low160(stack[top - 1]!)));
        stack[top - 1] = account === null ? 0 : wordOfBytes(account.code.hash);
        break;
      }
      case 0x40: // BLOCKHASH
        stack[top - 1] = execution.block.blockHash(stack[top - 1]!);
        break;
      case 0x41: // COINBASE
        stack[top++] = execution.block.proposer;
        break;
      case 0x42: // TIMESTAMP
        stack[top++] = execution.block.timestamp;
        break;
      case 0x43: // NUMBER
        stack[top++] = execution.block.height;
        break;
      case 0x44: // DIFFICULTY
        stack[top++] = 0;
        break;
      case 0x45: // GASLIMIT
        stack[top++] = BLOCK_GAS_LIMIT;
        break;
      case 0x46: // CHAINID
        stack[top++] = CHAIN_ID;
        break;
      case 0x47: // SELFBALANCE
        stack[top++] = execution.state.balance(frame.key);
        break;
      case 0x50: // POP
        top--;
        break;
      case 0x51: { // MLOAD
        const offset = stack[top - 1]!;
        gas -= memory.growthCost(offset, 32);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        memory.grow(Number(offset), 32);
        stack[top - 1] = readWord(memory.view, Number(offset));
        break;
      }
      case 0x52: { // MSTORE
        top -= 2;
        const offset = stack[top + 1]!;
        gas -= memory.growthCost(offset, 32);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        memory.grow(Number(offset), 32);
        writeWord(memory.view, Number(offset), stack[top]!);
        break;
      }
      case 0x53: { // MSTORE8
        top -= 2;
        const offset = stack[top + 1]!;
        gas -= memory.growthCost(offset, 1);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        memory.grow(Number(offset), 1);
        memory.bytes[Number(offset)] = byteAt(31, stack[top]!);
        break;
      }
      case 0x54: // SLOAD
        stack[top - 1] = execution.state.slot(frame.key, stack[top - 1]!);
        break;
      case 0x55: { // SSTORE
        top -= 2;
        const slot = stack[top + 1]!;
        const value = stack[top]!;
        const current = execution.state.slot(frame.key, slot);
        if (current !== 0 && value === 0) execution.refund += STORAGE_CLEAR_REFUND;
        gas -= current === 0 && value !== 0 ? STORAGE_SET_GAS : STORAGE_CHANGE_GAS;
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        if (current !== value) execution.state.setSlot(frame.key, slot, value);
        break;
      }
      case 0x56: { // JUMP
        const target = stack[--top]!;
        if (!isJumpDestination(target, frame)) return fail(frame, VmError.BadJumpDestination);
        pc = Number(target);
        break;
      }
      case 0x57: { // JUMPI
        top -= 2;
        if (stack[top] === 0) break;
        const target = stack[top + 1]!;
        if (!isJumpDestination(target, frame)) return fail(frame, VmError.BadJumpDestination);
        pc = Number(target);
        break;
      }
      case 0x58: // PC
        stack[top++] = pc - 1;
        break;
      case 0x59: // MSIZE
        stack[top++] = memory.size;
        break;
      case 0x5a: // GAS
        frame.gas = gas;
        stack[top++] = frame.gasLeft();
        break;
      case 0x5b: // JUMPDEST
        break;
      case 0x60: // PUSH1
        stack[top++] = code[pc]!;
        pc += 1;
        break;
      case 0x61: // PUSH2
        stack[top++] = code[pc]! << 8 | code[pc + 1]!;
        pc += 2;
        break;
      case 0xa0: // LOG0
      case 0xa1: // LOG1
      case 0xa2: // LOG2
      case 0xa3: // LOG3
      case 0xa4: { // LOG4
        const offset = stack[--top]!;
        const size = stack[--top]!;
        gas -= memory.growthCost(offset, size) + LOG_GAS_PER_BYTE * Number(size);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        memory.grow(Number(offset), Number(size));
        const topics = [];
        for (let n = op - 0xa0; n > 0; n--) topics.push(bytesOfWord(stack[--top]!, 32));
        const data = memory.copyOf(offset, size);
        execution.addLog({ address: frame.addressBytes, topics, data });
        break;
      }
      case Opcode.Create:
      case Opcode.Create2:
      case Opcode.Call:
      case Opcode.CallCode:
      case Opcode.DelegateCall:
      case Opcode.StaticCall:
        frame.pc = pc;
        frame.height = top;
        frame.gas = gas;
        frame.op = op;
        return Exit.Call;
      case 0xf3: // RETURN
      case 0xfd: { // REVERT
        const offset = stack[top - 1]!;
        const size = stack[top - 2]!;
        gas -= memory.growthCost(offset, size);
        if (gas < 0 && (gas = frame.cover(gas)) < 0) return fail(frame, VmError.OutOfQuota);
        memory.grow(Number(offset), Number(size));
        frame.gas = gas;
        frame.output = memory.copyOf(offset, size);
        return op === 0xf3 ? Exit.Success : Exit.Revert;
      }
      case 0xff: // SELFDESTRUCT
        execution.selfDestruct(frame.key, addressKey(low160(stack[top - 1]!)));
        frame.gas = gas;
        frame.output = EMPTY_BYTES;
        return Exit.Success;
      default:
        if (op < 0x80) { // PUSH3-32
          const size = op - 0x5f;
          stack[top++] = program.constant(pc, size);
          pc += size;
        } else if (op < 0x90) { // DUP1-16
          stack[top] = stack[top - (op - 0x7f)]!;
          top++;
        } else { // SWAP1-16
          const other = top - (op - 0x8e);
          const word = stack[other]!;
          stack[other] = stack[top - 1]!;
          stack[top - 1] = word;
        }
    }
  }
}

/** Why an instruction is refused before its gas is charged, in the order of the reference (7.2). */
function refusal(op: number, height: number): VmError {
  if (!isDefined(op)) return VmError.BadInstruction;
  if (height < INPUTS[op]!) return VmError.StackUnderflow;
  if (height > HEIGHT_BEFORE_MAX[op]!) return VmError.OutOfStack;
  return VmError.MutableCallInStaticContext;
}

function fail(frame: Frame, error: VmError): Exit {
  frame.error = error;
  return Exit.Failure;
}

/** Any byte 5b will do, also inside the data of a PUSH (7.3). */
function isJumpDestination(target: Word, { program }: Frame): boolean {
  if (typeof target !== "number" || target >= program.code.length) return false;
  return program.padded[target] === Opcode.JumpDest;
}

/** Gas per begun word of 32 bytes. */
function perWord(gas: number, size: Word): number {
  return gas * wordCount(Number(size));
}
