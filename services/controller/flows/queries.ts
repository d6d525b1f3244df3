import { Block, CompactBlock, RawTransaction } from "../../../proto/gen/blockchain.ts";
import type { NodeInfo, NodeStatus } from "../../../proto/gen/common.ts";
import type { SystemConfig } from "../../../proto/gen/controller.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, EMPTY_BYTES, fromHex, readU64be, u64be } from "../../../shared/bytes/mod.ts";
import { type MessageCodec, tryDecode } from "../../../shared/codec/mod.ts";
import { StatusCode, StatusError } from "../../../shared/status/mod.ts";
import {
  LockId,
  NO_PRE_HASH,
  preHashOf,
  type SystemConfig as ChainConfig,
} from "../system_config/mod.ts";
import { systemConfigFor } from "./load_config.ts";
import type { Node } from "./node.ts";

const U32_MAX = 0xffff_ffffn;

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
    const key = u64be(height);
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
    return readHeight(await this.#load(region, hash, StatusCode.NoBlockHeight));
  }

  async blockHash(height: bigint): Promise<Bytes> {
    return await this.#load(Regions.BLOCK_HASH, u64be(height), StatusCode.NoBlockHeight);
  }

  /** The block with its transactions and its proof. */
  async blockDetail(height: bigint): Promise<Block> {
    const block = await this.#load(Regions.FULL_BLOCK, u64be(height), StatusCode.NoBlock);
    return decodeStored(Block, block);
  }

  async proof(height: bigint): Promise<Bytes> {
    return await this.#load(Regions.PROOF, u64be(height), StatusCode.NoProof);
  }

  /** Null when there is none: its code has no name in 6.3. */
  async stateRoot(height: bigint): Promise<Bytes | null> {
    const { storage } = this.#node.env.ports;
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
    const height = await this.#load(heights, hash, StatusCode.NoTxHeight);
    const index = await this.#load(Regions.TRANSACTION_INDEX, hash, StatusCode.NoTxIndex);
    return { height: readHeight(height), index: readHeight(index) };
  }

  /** The configuration in force for the next block, in the form of 6.3. */
  systemConfig(): SystemConfig {
    return toMessage(this.#node.systemConfig);
  }

  /** The configuration in force for a block, the next one at most (6.6). */
  async systemConfigByNumber(height: bigint): Promise<SystemConfig> {
    const { systemConfig: current, settings, chain } = this.#node;
    if (height > chain.tip.height + 1n) throw new StatusError(StatusCode.NoBlock);
    const load = (region: number, key: Bytes) => this.#load(region, key, StatusCode.NoTransaction);
    const initial = settings.systemConfig;
    const config = await systemConfigFor({ load, current, initial }, height);
    return {
      ...toMessage(config),
      quotaLimit: toU32(settings.quotaLimit ?? 0n),
      quotaLimitPreHash: NO_PRE_HASH,
      blockLimit: toU32(config.blockLimit),
      blockLimitPreHash: preHashOf(config, LockId.BlockLimit),
    };
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

  async #load(region: number, key: Bytes, absent: StatusCode): Promise<Bytes> {
    const { code, value } = await this.#node.env.ports.storage.load(region, key);
    if (code !== StatusCode.Success) throw new StatusError(absent);
    return value;
  }
}

/** The numbers that came after 6.3 are left out. */
function toMessage(config: ChainConfig): SystemConfig {
  const { version, chainId, admin, blockIntervalSeconds, validators, emergencyBrake } = config;
  return {
    version,
    chainId,
    admin,
    blockInterval: blockIntervalSeconds,
    validators: [...validators],
    emergencyBrake,
    versionPreHash: preHashOf(config, LockId.Version),
    chainIdPreHash: preHashOf(config, LockId.ChainId),
    adminPreHash: preHashOf(config, LockId.Admin),
    blockIntervalPreHash: preHashOf(config, LockId.BlockInterval),
    validatorsPreHash: preHashOf(config, LockId.Validators),
    emergencyBrakePreHash: preHashOf(config, LockId.EmergencyBrake),
    quotaLimit: 0,
    quotaLimitPreHash: EMPTY_BYTES,
    blockLimit: 0,
    blockLimitPreHash: EMPTY_BYTES,
  };
}

/** Larger limits than the message can carry are as good as none. */
function toU32(value: bigint): number {
  return Number(value < U32_MAX ? value : U32_MAX);
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
