/**
 * `@ethereumjs/evm` set to the rules of the chain (spec/executor_evm.md, 7 and 8): an EVM of others
 * to compare ours with. It starts from Tangerine Whistle, which has the 63/64 rule but neither
 * EIP-158 nor a limit of code, takes later instructions from Istanbul and the prices of the chain.
 *
 * It does not know what no EVM of others does: jumps into the data of a PUSH, gas arguments above
 * 64 bits, the lower bound of r and s in ecrecover, hashes of blocks, and a value of a transaction.
 *
 * @module
 */

import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import {
  createEVM,
  type CustomPrecompile,
  type EVM,
  EVMError,
  type EVMOpts,
  getOpcodesForHF,
  paramsEVM,
} from "@ethereumjs/evm";
import { SimpleStateManager } from "@ethereumjs/statemanager";
import { Account, Address } from "@ethereumjs/util";

type CustomOpcode = NonNullable<EVMOpts["customOpcodes"]>[number];

/** Prices that Tangerine Whistle raised and the chain did not (7.1). */
const PRICES_BEFORE_TANGERINE_WHISTLE = {
  sloadGas: 50,
  callGas: 40,
  callcodeGas: 40,
  delegatecallGas: 40,
  extcodesizeGas: 20,
  extcodecopyGas: 20,
  balanceGas: 20,
  selfdestructGas: 0,
};

/** Instructions of later forks with their fixed gas (7.1). */
const LATER_INSTRUCTIONS: readonly (readonly [code: number, gas: number])[] = [
  [0x1b, 3], // SHL
  [0x1c, 3], // SHR
  [0x1d, 3], // SAR
  [0x3d, 2], // RETURNDATASIZE
  [0x3e, 3], // RETURNDATACOPY
  [0x46, 5], // CHAINID
  [0x47, 10], // SELFBALANCE
  [0xf5, 32_000], // CREATE2
  [0xfa, 40], // STATICCALL
  [0xfd, 0], // REVERT
];

const ADDRESS_MASK = (1n << 160n) - 1n;

/** The address that the low 160 bits of a word name. */
export function addressOf(word: bigint): Address {
  const digits = (word & ADDRESS_MASK).toString(16).padStart(40, "0");
  return new Address(Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
}

/** Makes the EVM, with an empty state. */
export function createDialectEvm(stateManager: DialectState): Promise<EVM> {
  const params = { ...paramsEVM, 608: PRICES_BEFORE_TANGERINE_WHISTLE };
  return createEVM({
    common: new Common({ chain: Mainnet, hardfork: Hardfork.TangerineWhistle }),
    params,
    customOpcodes: [...laterInstructions(), EXTCODEHASH, SELFDESTRUCT],
    customPrecompiles: [5n, 6n, 7n, 8n].map(refused),
    stateManager,
  });
}

function laterInstructions(): CustomOpcode[] {
  const common = new Common({ chain: Mainnet, hardfork: Hardfork.Istanbul, params: paramsEVM });
  const { opcodeMap } = getOpcodesForHF(common);
  return LATER_INSTRUCTIONS.map(([opcode, baseFee]) => {
    const { opcodeInfo, opHandler: logicFunction, gasHandler } = opcodeMap[opcode]!;
    const instruction = { opcode, opcodeName: opcodeInfo.name, baseFee, logicFunction };
    return gasHandler === undefined ? instruction : { ...instruction, gasFunction: gasHandler };
  });
}

/** An existing account has a code hash, even if it is empty (7.3). */
const EXTCODEHASH: CustomOpcode = {
  opcode: 0x3f,
  opcodeName: "EXTCODEHASH",
  baseFee: 400,
  async logicFunction(runState) {
    const account = await runState.stateManager.getAccount(addressOf(runState.stack.pop()));
    const digits = [...account?.codeHash ?? [0]].map((byte) => byte.toString(16).padStart(2, "0"));
    runState.stack.push(BigInt(`0x${digits.join("")}`));
  },
};

/** Free, also when the beneficiary does not exist. */
const SELFDESTRUCT: CustomOpcode = {
  opcode: 0xff,
  opcodeName: "SELFDESTRUCT",
  baseFee: 0,
  gasFunction({ interpreter }, gas) {
    if (interpreter.isStatic()) throw new EVMError(EVMError.errorMessages.STATIC_STATE_CHANGE);
    return gas;
  },
  logicFunction: ({ interpreter, stack }) => interpreter.selfDestruct(addressOf(stack.pop())),
};

/** The contracts 5 to 8 always take all gas of their frame. */
function refused(address: bigint): CustomPrecompile {
  return {
    address: addressOf(address),
    function: ({ gasLimit }) => ({
      executionGasUsed: gasLimit,
      exceptionError: new EVMError(EVMError.errorMessages.INTERNAL_ERROR),
      returnValue: new Uint8Array(0),
    }),
  };
}

/** What accounts there are, by the rules of 5.3. */
export class DialectState extends SimpleStateManager {
  /** A call leaves no empty account behind. */
  override async putAccount(address: Address, account?: Account): Promise<void> {
    const isNew = await this.getAccount(address) === undefined;
    if (isNew && account?.isEmpty() === true) return;
    await super.putAccount(address, account);
  }

  /** Begins a creation, after which there is an account even if it stays empty. */
  override async clearStorage(address: Address): Promise<void> {
    await super.clearStorage(address);
    await super.putAccount(address, await this.getAccount(address) ?? new Account());
  }

  /** Nothing stays of a contract that destructed itself. */
  override async deleteAccount(address: Address): Promise<void> {
    await super.clearStorage(address);
    this.topCodeStack().delete(address.toString());
    await super.deleteAccount(address);
  }

  /** Code, also for an address without account. */
  async setCode(address: Address, code: Uint8Array): Promise<void> {
    await super.putAccount(address, await this.getAccount(address) ?? new Account());
    await this.putCode(address, code);
  }

  /** The accounts by the hex text of their addresses. */
  accounts(): ReadonlyMap<string, Account> {
    const found = new Map<string, Account>();
    for (const [address, account] of this.topAccountStack()) {
      if (account !== undefined) found.set(address.slice(2), account);
    }
    return found;
  }

  /** The slots that are not zero, by the hex texts of address and slot. */
  slots(): ReadonlyMap<string, ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Map<string, Uint8Array>>();
    for (const [key, value] of this.topStorageStack()) {
      if (value.every((byte) => byte === 0)) continue;
      const [address = "", slot = ""] = key.split("_").map((part) => part.slice(2));
      const slots = found.get(address) ?? new Map<string, Uint8Array>();
      found.set(address, slots.set(slot, value));
    }
    return found;
  }
}
