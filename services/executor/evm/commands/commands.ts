import { catchInterrupt, ExitError } from "../../../../shared/cli/mod.ts";
import { defineTable, port, readTable } from "../../../../shared/config/mod.ts";
import type { OfflineCommand, OfflineContext } from "../../../../shared/service/mod.ts";
import { ADDRESS_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, fromHex } from "../../../../shared/bytes/mod.ts";
import { EVM_TABLE } from "../config.ts";
import { runDump } from "./dump.ts";
import { withChain } from "./with_chain.ts";
import { runStateRoot } from "./state_root.ts";
import { connectStorage, type StorageAddress } from "./stored_blocks.ts";
import { runVerify } from "./verify.ts";

type Keys = typeof EVM_TABLE.keys;
type Context = OfflineContext<Keys>;

const JSON_LINE = ["--json", "print one line of JSON"] as const;

/** The offline commands of the executor; they look at the data folder of one that does not run. */
export const EVM_COMMANDS: Readonly<Record<string, OfflineCommand<Keys>>> = {
  "state-root": {
    about: "print the roots and hashes of an executed block",
    arguments: [["[height]", "height of the block, the last one when absent"]],
    options: [JSON_LINE],
    details:
      "Nodes that executed the same blocks print the same. The executor must be stopped.\n\n" +
      "EXAMPLES:\n    executor state-root\n    executor state-root 1200 --json\n",
    run(context) {
      const given = { ...context, height: readHeight(context, 0), isJson: isJson(context) };
      return withChain(context, (chain) => Promise.resolve(runStateRoot(chain, given)));
    },
  },
  dump: {
    about: "print an account and its slots",
    arguments: [
      ["<address>", "20 bytes in hex"],
      ["[height]", "height of the block after which to look, the last one when absent"],
    ],
    options: [
      ["--slots <count>", "how many slots to print at most, all when absent"],
      ["--json", "print one line of JSON for the account and one for each slot"],
    ],
    details: "Slots come in their order, and as they are read: there may be millions. The\n" +
      "executor must be stopped.\n\nEXAMPLES:\n" +
      "    executor dump 0x3c952d36207c0d52743a646e7ac2649009bd358e\n" +
      "    executor dump 0x3c952d36207c0d52743a646e7ac2649009bd358e 1200 --slots 0\n",
    async run(context) {
      const given = {
        ...context,
        address: readAddress(context),
        height: readHeight(context, 1),
        slotsMax: readCount(context, "slots"),
        isJson: isJson(context),
      };
      using interrupt = catchInterrupt();
      const { signal } = interrupt;
      return await withChain(context, (chain) => runDump(chain, { ...given, signal }));
    },
  },
  verify: {
    about: "execute blocks again and compare their roots",
    arguments: [
      ["<from>", "height of the first block"],
      ["[to]", "height of the last block, the last one that was executed when absent"],
    ],
    options: [
      [
        "--storage <address>",
        "host:port of the storage, that of this node's controller by default",
      ],
      JSON_LINE,
    ],
    details: "Blocks come from the storage, which must run; the executor must be stopped. Each\n" +
      "block is executed on the stored state before it, no record is changed. It ends at the\n" +
      "first block that differs, with exit code 1.\n\nEXAMPLES:\n" +
      "    executor verify 0\n    executor verify 1000 2000 --storage 10.0.0.7:50003\n",
    async run(context) {
      const given = {
        ...context,
        from: readHeight(context, 0) ?? 0n,
        to: readHeight(context, 1),
        isJson: isJson(context),
      };
      using blocks = connectStorage(storageAddress(context));
      using interrupt = catchInterrupt();
      const { signal } = interrupt;
      return await withChain(context, (chain) => runVerify(chain, { ...given, blocks, signal }));
    },
  },
};

function isJson({ options }: Context): boolean {
  return options["json"] === true;
}

const HEIGHT_MAX = 2n ** 64n - 1n;

function readHeight({ args }: Context, index: number): bigint | null {
  const text = args[index];
  if (text === undefined) return null;
  if (/^[0-9]{1,20}$/.test(text) && BigInt(text) <= HEIGHT_MAX) return BigInt(text);
  throw new ExitError(2, `Cannot use the height "${text}": it must be in 0..${HEIGHT_MAX}`);
}

function readAddress({ args: [text = ""] }: Context): Bytes {
  const digits = text.replace(/^0x/i, "");
  if (/^[0-9a-fA-F]*$/.test(digits) && digits.length === 2 * ADDRESS_SIZE) return fromHex(digits);
  throw new ExitError(2, `Cannot use the address "${text}": it must be 20 bytes in hex`);
}

function readCount({ options }: Context, name: string): number {
  const text = options[name];
  if (text === undefined) return Infinity;
  if (typeof text === "string" && /^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new ExitError(2, `Cannot use --${name} "${text}": it must be a number of slots`);
}

/** Where the controller of the node finds its storage. */
const CONTROLLER_TABLE = defineTable("controller", {
  storage_port: port({ default: 50003, doc: "port of storage on this host" }),
});

function storageAddress({ options, document }: Context): StorageAddress {
  const text = options["storage"];
  if (text === undefined) {
    const { tables, fileName } = document;
    const withTable = { fileName, tables: { controller: {}, ...tables } };
    return { host: "127.0.0.1", port: readTable(CONTROLLER_TABLE, withTable).storage_port };
  }
  const [, host, portText] = /^(?:\[?([^\s\]]+)\]?:)?([0-9]{1,5})$/.exec(String(text)) ?? [];
  const number = Number(portText);
  if (number > 0 && number <= 65_535) return { host: host ?? "127.0.0.1", port: number };
  throw new ExitError(2, `Cannot use --storage "${text}": it must be host:port`);
}
