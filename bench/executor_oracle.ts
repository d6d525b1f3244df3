/** `@ethereumjs/evm` as it comes, with its state in memory and no Merkle tree: the baseline. */

import { createEVM, type EVM } from "@ethereumjs/evm";
import { type Address, createAddressFromString } from "@ethereumjs/util";
import { type Bytes, to0xHex } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import type { Sent } from "./executor_blocks.ts";

/** Code is compiled before the time counts. */
const WARM_UP_MS = 1_000;
const MEASURE_MS = 2_000;
const GAS_LIMIT = 100_000_000n;

/** An EVM with contracts; it has no blocks and keeps every change. */
export class OracleEvm {
  readonly #evm: EVM;

  private constructor(evm: EVM) {
    this.#evm = evm;
  }

  static async open(): Promise<OracleEvm> {
    return new OracleEvm(await createEVM());
  }

  /** Runs a transaction, which must succeed; gives the contract that it created. */
  async send({ from, to, data }: Sent): Promise<Bytes> {
    const { execResult, createdAddress } = await this.#evm.runCall({
      caller: addressOf(from),
      ...(to.length !== 0 && { to: addressOf(to) }),
      data,
      gasLimit: GAS_LIMIT,
    });
    if (execResult.exceptionError !== undefined) {
      throw new Error(`@ethereumjs/evm fails: ${execResult.exceptionError.error}`);
    }
    return createdAddress?.bytes ?? to;
  }

  /** Transactions per second. */
  async rate(next: () => Sent): Promise<number> {
    await this.#runFor(WARM_UP_MS, next);
    return await this.#runFor(MEASURE_MS, next);
  }

  async #runFor(durationMs: number, next: () => Sent): Promise<number> {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    let runs = 0;
    let elapsedMs = 0;
    for (; elapsedMs < durationMs; elapsedMs = SYSTEM_CLOCK.monotonicMs() - startMs) {
      await this.send(next());
      runs++;
    }
    return runs * 1000 / elapsedMs;
  }
}

function addressOf(bytes: Bytes): Address {
  return createAddressFromString(to0xHex(bytes));
}
