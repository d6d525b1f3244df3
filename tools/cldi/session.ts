import { RPCServiceService as ControllerService } from "../../proto/gen/controller.ts";
import { RPCServiceService as EvmService } from "../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../proto/gen/executor.ts";
import { type Bytes, to0xHex } from "../../shared/bytes/mod.ts";
import type { Output } from "../../shared/cli/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { connect, type RpcClient, type ServiceDefinition } from "../../shared/rpc/mod.ts";
import { type CryptoType, isUnlocked, type Suites, type UnlockedAccount } from "./account.ts";
import type { Context } from "./context.ts";
import { formatSortedJson, type Json } from "./json.ts";
import type { DataFolder } from "./data_folder.ts";
import { CldiError } from "./errors.ts";
import { splitServiceAddress } from "./values.ts";

/** Options before the command; each replaces a part of the context. */
export interface ContextOverrides {
  readonly context?: string;
  readonly r?: string;
  readonly e?: string;
  readonly u?: string;
  readonly crypto?: CryptoType;
}

/** The longest a request may take; a hanging node must not hang its user. */
const REQUEST_DEADLINE_MS = 60_000;

/** One run of the program: the folder, the chosen context, and connections made when needed. */
export class Session {
  readonly #clients: { close(): void }[] = [];

  constructor(
    readonly folder: DataFolder,
    readonly context: Context,
    readonly suites: Suites,
    readonly output: Output,
  ) {}

  /** Prints one line of a result. */
  print(text: string): void {
    this.output.out(`${text}\n`);
  }

  /** Prints bytes as 0x-hex on a line. */
  printHex(bytes: Bytes): void {
    this.print(to0xHex(bytes));
  }

  /** Prints a JSON value with sorted keys. */
  printJson(value: Json): void {
    this.print(formatSortedJson(value));
  }

  get controller(): RpcClient<typeof ControllerService> {
    return this.#connect(ControllerService, this.context.controller_addr);
  }

  get executor(): RpcClient<typeof ExecutorServiceService> {
    return this.#connect(ExecutorServiceService, this.context.executor_addr);
  }

  get evm(): RpcClient<typeof EvmService> {
    return this.#connect(EvmService, this.context.executor_addr);
  }

  /** The algorithms of the target chain. */
  suite(): Promise<CryptoSuite> {
    return this.suites(this.context.crypto_type);
  }

  /** The account that signs; it must exist, be unlocked and fit the chain. */
  currentAccount(): UnlockedAccount {
    const { account_name: name, crypto_type: cryptoType } = this.context;
    const account = this.folder.findAccount(name);
    if (account === undefined) throw new CldiError(`current account \`${name}\` not found`);
    if (account.cryptoType !== cryptoType) {
      throw new CldiError(
        `current account \`${name}\`'s crypto type \`${account.cryptoType}\` mismatched with ` +
          `target chain's crypto type \`${cryptoType}\``,
      );
    }
    if (isUnlocked(account)) return account;
    // the blank at the end is the reference's
    throw new CldiError(`cannot get current account \`${name}\` `, [
      "account is locked, please unlock it first",
    ]);
  }

  /** Ends every connection. */
  close(): void {
    for (const client of this.#clients) client.close();
  }

  #connect<Definition extends ServiceDefinition<Definition>>(
    definition: Definition,
    address: string,
  ): RpcClient<Definition> {
    const place = splitServiceAddress(address);
    if (place === null) throw new CldiError(`invalid service address \`${address}\``);
    const client = connect(definition, {
      ...place,
      deadlineMs: REQUEST_DEADLINE_MS,
      clientName: "cldi",
    });
    this.#clients.push(client);
    return client;
  }
}

/** The context that a command line asks for. */
export function chooseContext(folder: DataFolder, overrides: ContextOverrides): Context {
  const start = overrides.context === undefined
    ? folder.defaultContext()
    : folder.context(overrides.context);
  if (overrides.u !== undefined) folder.account(overrides.u);
  return {
    controller_addr: overrides.r ?? start.controller_addr,
    executor_addr: overrides.e ?? start.executor_addr,
    account_name: overrides.u ?? start.account_name,
    crypto_type: overrides.crypto ?? start.crypto_type,
  };
}
