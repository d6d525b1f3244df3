/**
 * The instruction set: Constantinople with CHAINID and SELFBALANCE, at the gas prices from before
 * Tangerine Whistle (spec/executor_evm.md, 7.1).
 *
 * @module
 */

/** Height that the stack may reach. */
export const STACK_HEIGHT_MAX = 1024;

/** Instructions that other code names; the others are known by their number to the interpreter. */
export const Opcode = {
  JumpDest: 0x5b,
  Create: 0xf0,
  Call: 0xf1,
  CallCode: 0xf2,
  DelegateCall: 0xf4,
  Create2: 0xf5,
  StaticCall: 0xfa,
} as const;

/** What an instruction does to the stack, and the part of its gas that is always charged. */
interface Instruction {
  readonly code: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly gas: number;
}

const INSTRUCTIONS: Instruction[] = [];

function define(
  codes: number | readonly [first: number, last: number],
  [inputs, outputs]: readonly [number, number],
  gas: number,
): void {
  const [first, last] = typeof codes === "number" ? [codes, codes] : codes;
  for (let code = first; code <= last; code++) INSTRUCTIONS.push({ code, inputs, outputs, gas });
}

define(0x00, [0, 0], 0); // STOP
define(0x01, [2, 1], 3); // ADD
define(0x02, [2, 1], 5); // MUL
define(0x03, [2, 1], 3); // SUB
define([0x04, 0x07], [2, 1], 5); // DIV SDIV MOD SMOD
define([0x08, 0x09], [3, 1], 8); // ADDMOD MULMOD
define(0x0a, [2, 1], 10); // EXP
define(0x0b, [2, 1], 5); // SIGNEXTEND
define([0x10, 0x14], [2, 1], 3); // LT GT SLT SGT EQ
define(0x15, [1, 1], 3); // ISZERO
define([0x16, 0x18], [2, 1], 3); // AND OR XOR
define(0x19, [1, 1], 3); // NOT
define([0x1a, 0x1d], [2, 1], 3); // BYTE SHL SHR SAR
define(0x20, [2, 1], 30); // SHA3
define(0x30, [0, 1], 2); // ADDRESS
define(0x31, [1, 1], 20); // BALANCE
define([0x32, 0x34], [0, 1], 2); // ORIGIN CALLER CALLVALUE
define(0x35, [1, 1], 3); // CALLDATALOAD
define(0x36, [0, 1], 2); // CALLDATASIZE
define(0x37, [3, 0], 3); // CALLDATACOPY
define(0x38, [0, 1], 2); // CODESIZE
define(0x39, [3, 0], 3); // CODECOPY
define(0x3a, [0, 1], 2); // GASPRICE
define(0x3b, [1, 1], 20); // EXTCODESIZE
define(0x3c, [4, 0], 20); // EXTCODECOPY
define(0x3d, [0, 1], 2); // RETURNDATASIZE
define(0x3e, [3, 0], 3); // RETURNDATACOPY
define(0x3f, [1, 1], 400); // EXTCODEHASH
define(0x40, [1, 1], 20); // BLOCKHASH
define([0x41, 0x45], [0, 1], 2); // COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT
define(0x46, [0, 1], 5); // CHAINID
define(0x47, [0, 1], 10); // SELFBALANCE
define(0x50, [1, 0], 2); // POP
define(0x51, [1, 1], 3); // MLOAD
define([0x52, 0x53], [2, 0], 3); // MSTORE MSTORE8
define(0x54, [1, 1], 50); // SLOAD
define(0x55, [2, 0], 0); // SSTORE
define(0x56, [1, 0], 8); // JUMP
define(0x57, [2, 0], 10); // JUMPI
define([0x58, 0x5a], [0, 1], 2); // PC MSIZE GAS
define(Opcode.JumpDest, [0, 0], 1);
define([0x60, 0x7f], [0, 1], 3); // PUSH1-32
for (let n = 1; n <= 16; n++) {
  define(0x7f + n, [n, n + 1], 3); // DUP1-16
  define(0x8f + n, [n + 1, n + 1], 3); // SWAP1-16
}
for (let n = 0; n <= 4; n++) define(0xa0 + n, [n + 2, 0], 375 + 375 * n); // LOG0-4
define(Opcode.Create, [3, 1], 0); // CREATE pays when the size of its code is checked
define([Opcode.Call, Opcode.CallCode], [7, 1], 40);
define(0xf3, [2, 0], 0); // RETURN
define(Opcode.DelegateCall, [6, 1], 40);
define(Opcode.Create2, [4, 1], 0); // as CREATE
define(Opcode.StaticCall, [6, 1], 40);
define(0xfd, [2, 0], 0); // REVERT
define(0xff, [1, 0], 0); // SELFDESTRUCT

/** What a read-only frame may not do; CALL with a value is checked after its gas. */
const MUTATING = new Set([0x55, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xf0, 0xf5, 0xff]);

/** More words than any stack holds: an instruction that needs them is always refused. */
const NEVER = 0xffff;

/** Words that each instruction takes from the stack; beyond reach for an undefined one. */
export const INPUTS = new Uint16Array(256).fill(NEVER);

/** As {@linkcode INPUTS}, beyond reach for what a read-only frame must not do as well. */
export const READ_ONLY_INPUTS = new Uint16Array(256).fill(NEVER);

/** Largest height of the stack before each instruction from which it does not overflow. */
export const HEIGHT_BEFORE_MAX = new Uint16Array(256);

/** Gas that each instruction always costs. */
export const GAS = new Uint16Array(256);

for (const { code, inputs, outputs, gas } of INSTRUCTIONS) {
  INPUTS[code] = inputs;
  READ_ONLY_INPUTS[code] = MUTATING.has(code) ? NEVER : inputs;
  HEIGHT_BEFORE_MAX[code] = STACK_HEIGHT_MAX + inputs - outputs;
  GAS[code] = gas;
}

/** Whether there is such an instruction. */
export function isDefined(code: number): boolean {
  return INPUTS[code] !== NEVER;
}
