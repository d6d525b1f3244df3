import { Block, CompactBlock, RawTransaction } from "../../../proto/gen/blockchain.ts";
import type { NodeInfo, NodeStatus } from "../../../proto/gen/common.ts";
import type { SystemConfig } from "../../../proto/gen/controller.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, fromHex, readU64be, u64be } from "../../../shared/bytes/mod.ts";
import { type MessageCodec, tryDecode } from "../../../shared/codec/mod.ts";
import { StatusCode, StatusError } from "../../../shared/status/mod.ts";
import { configForBlock, configMessage, fullConfigMessage } from "./config_query.ts";
import type { Node } from "./node.ts";

/** Version that clients are told. */
export const VERSION = "6.3.3";

/**
 * What users may ask (spec/controller.md, 7). A refusal is thrown as a {@linkcode StatusError}; as
 * in the reference a storage that is away looks like a record that is not there.
 */
export class Queries {
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  /** Waits while a block is being committed. */
  async blockNumber(): Promise<bigint> {
    await this.#node.lock.idle();
    return this.#node.chain.tip.height;
  }

  async blockByNumber(height: bigint): Promise<CompactBlock> {
    const key = this.#keyOf(height, StatusCode.NoBlock);
    const block = await this.#load(Regions.COMPAT_BLOCK, key, StatusCode.NoBlock);
    const compact = decodeStored(CompactBlock, block);
    await this.#load(Regions.PROOF, key, StatusCode.NoProof);
    return compact;
  }

  async blockByHash(hash: Bytes): Promise<CompactBlock> {
    return await this.blockByNumber(await this.heightByHash(hash));
  }

  async heightByHash(hash: Bytes): Promise<bigint> {
    const region = Regions.BLOCK_HASH2BLOCK_HEIGHT;
    const height = readHeight(await this.#load(region, hash, StatusCode.NoBlockHeight));
    this.#requireCommitted(height, StatusCode.NoBlockHeight);
    return height;
  }

  async blockHash(height: bigint): Promise<Bytes> {
    const key = this.#keyOf(height, StatusCode.NoBlockHeight);
    return await this.#load(Regions.BLOCK_HASH, key, StatusCode.NoBlockHeight);
  }

  /** The block with its transactions and its proof. */
  async blockDetail(height: bigint): Promise<Block> {
    const key = this.#keyOf(height, StatusCode.NoBlock);
    const block = await this.#load(Regions.FULL_BLOCK, key, StatusCode.NoBlock);
    return decodeStored(Block, block);
  }

  async proof(height: bigint): Promise<Bytes> {
    const key = this.#keyOf(height, StatusCode.NoProof);
    return await this.#load(Regions.PROOF, key, StatusCode.NoProof);
  }

  /** Null when there is none: its code has no name in 6.3. */
  async stateRoot(height: bigint): Promise<Bytes | null> {
    const { chain, env: { ports: { storage } } } = this.#node;
    if (height > chain.tip.height) return null;
    const { code, value } = await storage.load(Regions.RESULT, u64be(height));
    return code === StatusCode.Success ? value : null;
  }

  async transaction(hash: Bytes): Promise<RawTransaction> {
    const raw = await this.#load(Regions.TRANSACTIONS, hash, StatusCode.NoTransaction);
    return decodeStored(RawTransaction, raw);
  }

  /** Height and index of a transaction; both records have to be there. */
  async transactionPlace(hash: Bytes): Promise<{ height: bigint; index: bigint }> {
    const heights = Regions.TRANSACTION_HASH2BLOCK_HEIGHT;
    const height = readHeight(await this.#load(heights, hash, StatusCode.NoTxHeight));
    this.#requireCommitted(height, StatusCode.NoTxHeight);
    const index = await this.#load(Regions.TRANSACTION_INDEX, hash, StatusCode.NoTxIndex);
    return { height, index: readHeight(index) };
  }

  systemConfig(): SystemConfig {
    return configMessage(this.#node.systemConfig);
  }

  /** The configuration for a block that exists or is the next one (6.6). */
  async systemConfigFor(height: bigint): Promise<SystemConfig> {
    const { chain, settings, systemConfig: current } = this.#node;
    if (height > chain.tip.height + 1n) throw new StatusError(StatusCode.NoBlock);
    const load = (region: number, key: Bytes) => this.#load(region, key, StatusCode.NoTransaction);
    const history = { current, initial: settings.systemConfig, load };
    return fullConfigMessage(await configForBlock(history, height), settings);
  }

  async peerCount(): Promise<bigint> {
    const count = await this.#node.env.ports.network.peerCount();
    if (count === null) throw new StatusError(StatusCode.NetworkServerNotReady);
    return count;
  }

  /** Sessions of the network whose nodes are known. */
  async peersInfo(): Promise<NodeInfo[]> {
    const sessions = await this.#node.env.ports.network.peersNetInfo();
    if (sessions === null) throw new StatusError(StatusCode.NetworkServerNotReady);
    return sessions.flatMap((netInfo) => {
      const address = this.#node.peers.addressOf(netInfo.origin);
      return address === null ? [] : { address: fromHex(address), netInfo };
    });
  }

  /** The summary that newer clients ask for (6.6). */
  async nodeStatus(): Promise<NodeStatus> {
    const { chain, peers, sync, settings, startHeight } = this.#node;
    const peersCount = await this.peerCount();
    const sessions = await this.#node.env.ports.network.peersNetInfo() ?? [];
    const known = new Map(peers.nodes().map((node) => [node.origin, node]));
    return {
      isSync: sync.isSyncing,
      version: VERSION,
      selfStatus: {
        height: chain.tip.height,
        address: settings.nodeAddress,
        nodeNetInfo: undefined,
      },
      peersCount,
      peersStatus: sessions.map((nodeNetInfo) => {
        const node = known.get(nodeNetInfo.origin);
        const address = node === undefined ? new Uint8Array() : fromHex(node.address);
        return { height: node?.status.height ?? 0n, address, nodeNetInfo };
      }),
      isDanger: false,
      initBlockNumber: startHeight,
      waitingBlock: 0n,
    };
  }

  /** Storage may hold blocks above the tip: one that is being committed, or those of before a rollback. */
  #requireCommitted(height: bigint, absent: StatusCode): void {
    if (height > this.#node.chain.tip.height) throw new StatusError(absent);
  }

  #keyOf(height: bigint, absent: StatusCode): Bytes {
    this.#requireCommitted(height, absent);
    return u64be(height);
  }

  async #load(region: number, key: Bytes, absent: StatusCode): Promise<Bytes> {
    const { code, value } = await this.#node.env.ports.storage.load(region, key);
    if (code !== StatusCode.Success) throw new StatusError(absent);
    return value;
  }
}

function decodeStored<Message>(codec: MessageCodec<Message>, bytes: Bytes): Message {
  const message = tryDecode(codec, bytes);
  if (message === null) throw new StatusError(StatusCode.DecodeError);
  return message;
}

function readHeight(bytes: Bytes): bigint {
  if (bytes.length < 8) throw new StatusError(StatusCode.DecodeError);
  return readU64be(bytes);
}
