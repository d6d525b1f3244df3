import { HASH_SIZE } from "../../../shared/block/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { Argument, Option, type Program, unsignedLong } from "../../../shared/cli/mod.ts";
import { CldiError, inContext } from "../errors.ts";
import {
  blockJson,
  nodeJson,
  numberedConfigJson,
  receiptJson,
  systemConfigJson,
  transactionJson,
} from "../json.ts";
import type { Session } from "../session.ts";
import { type BlockName, parseAddress, parseBlockName, parseHash } from "../values.ts";
import type { InSession } from "../command.ts";

const EVM_ADDRESS = () => new Argument("<addr>").argParser(parseAddress);
const OPTIONAL_ADDRESS = () => new Argument("[addr]").argParser(parseAddress);
const TX_HASH = () => new Argument("<tx_hash>").argParser(parseHash);

/** Adds `get` and its commands (spec/cldi.md, section 6). */
export function addGetCommands(program: Program, inSession: InSession): void {
  const get = program.command("get").aliases(["ge", "g"]).description("Get data from chain");
  addContractQueries(get, inSession);
  get.command("block").alias("b").description("Get block by block height or hash(0x)")
    .addArgument(new Argument("<height_or_hash>").argParser(parseBlockName))
    .action(inSession(getBlock));
  get.command("tx").description("Get transaction data by tx_hash").addArgument(TX_HASH())
    .action(inSession(getTransaction));
  get.command("peer-count").alias("pc").description("Get peer count")
    .action(inSession(async (session) => {
      session.print(String((await session.controller.getPeerCount({})).peerCount));
    }));
  get.command("peers-info").alias("pi").description("Get peers info")
    .action(inSession(async (session) => {
      const { nodes } = await session.controller.getPeersInfo({});
      session.printJson({ nodes: nodes.map(nodeJson) });
    }));
  get.command("receipt").alias("r").description("Get EVM execution receipt by tx_hash")
    .addArgument(TX_HASH())
    .action(inSession(async (session, hash: Bytes) => {
      const receipt = await inContext(
        "failed to get receipt",
        () => session.evm.getTransactionReceipt({ hash }),
      );
      session.printJson(receiptJson(receipt));
    }));
  get.command("version").alias("ver").description("Get version")
    .action(inSession(async (session) => {
      session.print((await session.controller.getVersion({})).version);
    }));
  get.command("system-config").alias("sc").description("Get system config")
    .addArgument(
      new Argument("[height]", "the one by which this block is made").argParser(unsignedLong),
    )
    .action(inSession(getSystemConfig));
  get.command("block-hash").alias("bh").description("Get block hash by block height")
    .addArgument(new Argument("<height>").argParser(unsignedLong))
    .action(inSession(getBlockHash));
  get.command("block-number").alias("bn").description("Get block number")
    .addOption(new Option("-p, --for_pending", "if set, get the pending block number"))
    .action(inSession(async (session, options: { for_pending?: boolean }) => {
      const flag = options.for_pending === true;
      session.print(String((await session.controller.getBlockNumber({ flag })).blockNumber));
    }));
}

/** Adds the queries that an executor answers about an account. */
function addContractQueries(get: Program, inSession: InSession): void {
  get.command("abi").description("Get the specific contract ABI").addArgument(EVM_ADDRESS())
    .action(inSession(async (session, address: Bytes) => {
      const answer = await inContext(
        "failed to get abi",
        () => session.evm.getAbi({ address, blockNumber: undefined }),
      );
      session.print(new TextDecoder().decode(answer.bytesAbi));
    }));
  get.command("balance").alias("ba").description("Get balance by account address")
    .addArgument(OPTIONAL_ADDRESS())
    .action(inSession(async (session, given: Bytes | undefined) => {
      const address = given ?? session.currentAccount().address;
      const answer = await inContext(
        "failed to get balance",
        () => session.evm.getBalance({ address, blockNumber: undefined }),
      );
      session.printHex(answer.value);
    }));
  get.command("code").description("Get code by contract address").addArgument(EVM_ADDRESS())
    .action(inSession(async (session, address: Bytes) => {
      const answer = await inContext(
        "failed to get code",
        () => session.evm.getCode({ address, blockNumber: undefined }),
      );
      session.printHex(answer.byteCode);
    }));
  get.command("nonce").description("Get the nonce of this account")
    .addArgument(OPTIONAL_ADDRESS())
    .action(inSession(async (session, given: Bytes | undefined) => {
      const address = given ?? session.currentAccount().address;
      const answer = await inContext(
        "failed to get tx count",
        () => session.evm.getTransactionCount({ address, blockNumber: undefined }),
      );
      session.printHex(answer.nonce);
    }));
}

/** The current one as 6.3 tells it, or that of a block, which services before 6.6 do not know. */
async function getSystemConfig(session: Session, height: bigint | undefined): Promise<void> {
  const { controller } = session;
  if (height === undefined) {
    session.printJson(systemConfigJson(await controller.getSystemConfig({})));
    return;
  }
  const config = await controller.getSystemConfigByNumber({ blockNumber: height });
  session.printJson(numberedConfigJson(config));
}

async function getBlock(session: Session, name: BlockName): Promise<void> {
  const { controller } = session;
  const block = name.kind === "hash"
    ? await controller.getBlockByHash({ hash: name.hash })
    : await controller.getBlockByNumber({ blockNumber: name.height });
  session.printJson(blockJson(block));
}

async function getTransaction(session: Session, hash: Bytes): Promise<void> {
  const { controller } = session;
  const height = controller.getTransactionBlockNumber({ hash });
  const index = controller.getTransactionIndex({ hash });
  const raw = controller.getTransaction({ hash });
  await Promise.allSettled([height, index, raw]);
  // of several failures the one of the height is shown, as the recorded sessions have it
  const { blockNumber } = await height;
  const { txIndex } = await index;
  session.printJson(transactionJson(await raw, blockNumber, txIndex));
}

async function getBlockHash(session: Session, blockNumber: bigint): Promise<void> {
  const { hash } = await session.controller.getBlockHash({ blockNumber });
  if (hash.length !== HASH_SIZE) {
    throw new CldiError(
      "controller returns an invalid block hash, maybe we are using a different signing algorithm?",
      [
        `length mismatched, expected: \`${HASH_SIZE}\`, got: \`${hash.length}\``,
        "could not convert slice to array",
      ],
    );
  }
  session.printHex(hash);
}
