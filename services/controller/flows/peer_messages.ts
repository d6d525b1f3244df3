import { RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import type { NetworkMsg } from "../../../proto/gen/network.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import {
  ChainStatus,
  ChainStatusInit,
  ChainStatusRespond,
  SyncBlockRequest,
  SyncBlockRespond,
  SyncTxRequest,
  SyncTxRespond,
} from "../../../proto/gen/sync.ts";
import { ADDRESS_SIZE } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { encode, type MessageCodec, tryDecode } from "../../../shared/codec/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import {
  type AddressHex,
  checkSameBlock,
  checkSameChain,
  checkStatusAddress,
  isForeignChain,
  MessageType,
  MODULE,
} from "../node_manager/mod.ts";
import type { Admission } from "./admission.ts";
import type { BlockServer } from "./block_server.ts";
import type { Gossip } from "./gossip.ts";
import { type Node, ownStatus } from "./node.ts";
import type { Syncer } from "./syncer.ts";

/** Collaborators of {@linkcode PeerMessages}. */
export interface PeerMessagesParts {
  readonly admission: Admission;
  readonly gossip: Gossip;
  readonly syncer: Syncer;
  readonly blockServer: BlockServer;
}

/**
 * What this node does with messages of other controllers (spec/controller.md, 15.3). A malformed
 * message gives an error code, never more: anyone can send one.
 */
export class PeerMessages {
  readonly #node: Node;
  readonly #parts: PeerMessagesParts;

  constructor(node: Node, parts: PeerMessagesParts) {
    this.#node = node;
    this.#parts = parts;
  }

  /** Handles a message that the network service delivers (15.1). */
  async process({ module, type, origin, msg }: NetworkMsg): Promise<StatusCode> {
    if (module !== MODULE) return StatusCode.ModuleNotController;
    const code = await this.#dispatch(type, origin, msg);
    if (code !== StatusCode.Success && this.#isWorthALine(code)) {
      this.#node.env.log.warn(`rpc: process_network_msg(${type}) failed: ${statusName(code)}`);
    }
    return code;
  }

  /**
   * Nodes that meet at the same height say so; transactions of past blocks come all the time, to a
   * node that is behind also those that are valid for too long.
   */
  #isWorthALine(code: StatusCode): boolean {
    if (code === StatusCode.EarlyStatus) return false;
    if (code === StatusCode.InvalidValidUntilBlock && this.#node.sync.isSyncing) return false;
    return code !== StatusCode.HistoryDupTx || this.#node.env.random() < 8 / 65_536;
  }

  async #dispatch(type: string, origin: bigint, msg: Bytes): Promise<StatusCode> {
    switch (type) {
      case MessageType.ChainStatusInit:
        return await decoded(ChainStatusInit, msg, (init) => this.#onInit(init, origin));
      case MessageType.ChainStatusInitRequest:
        return await decoded(ChainStatus, msg, () => this.#onInitRequest(origin));
      case MessageType.ChainStatus:
        return await decoded(ChainStatus, msg, (status) => this.#onStatus(status, origin));
      case MessageType.ChainStatusRespond:
        return await decoded(ChainStatusRespond, msg, (respond) => this.#onReject(respond, origin));
      case MessageType.SyncBlock:
        return await decoded(SyncBlockRequest, msg, (request) => this.#onAsked(request, origin));
      case MessageType.SyncBlockRespond:
        return await decoded(
          SyncBlockRespond,
          msg,
          (respond) => this.#onBlocks(respond, { origin, size: msg.length }),
        );
      case MessageType.SyncTx:
        return await decoded(SyncTxRequest, msg, (request) => this.#onTxAsked(request, origin));
      case MessageType.SyncTxRespond:
        return await decoded(SyncTxRespond, msg, (respond) => this.#onTx(respond, origin));
      case MessageType.SendTx:
        return await decoded(RawTransaction, msg, (raw) => this.#parts.admission.admitSingle(raw));
      case MessageType.SendTxs:
        return await decoded(
          RawTransactions,
          msg,
          ({ body }) => this.#parts.admission.admitForwarded(body),
        );
      default:
        return this.#onUnknown(origin);
    }
  }

  async #onInit(
    { chainStatus, signature }: ChainStatusInit,
    origin: bigint,
  ): Promise<StatusCode> {
    const { env, hash, peers, chain } = this.#node;
    if (chainStatus === undefined) return StatusCode.NoneChainStatus;
    const signer = await env.ports.kms.recover(hash(encode(ChainStatus, chainStatus)), signature);
    if (signer.code !== StatusCode.Success) return signer.code;
    const { address } = chainStatus;
    if (address === undefined) return StatusCode.NoProvideAddress;
    if (!equalBytes(signer.bytes, address.address)) return StatusCode.SigCheckError;
    // its own introduction, repeated by somebody
    if (equalBytes(address.address, this.#node.settings.nodeAddress)) {
      return StatusCode.AddressOriginCheckError;
    }
    const checked = await this.#check(chainStatus, origin);
    if (checked !== StatusCode.Success) return checked;

    const node = toHex(address.address);
    if (await this.#isReplay(node, chainStatus, origin)) return StatusCode.EarlyStatus;
    peers.bind(node, origin);
    env.log.info(`set origin[${origin}] to node: 0x${node}`);
    this.#lower(node, chainStatus);
    const outcome = peers.record(node, chainStatus, env.clock.monotonicMs());
    const ownHeight = chain.tip.height;
    if (outcome.kind === "refused") {
      if (outcome.code !== StatusCode.EarlyStatus) return outcome.code;
      // it was restarted at the height that is known: while no block is made nothing else tells it
      if (ownHeight > chainStatus.height) this.#parts.gossip.sendStatus(origin);
      if (ownHeight >= chainStatus.height) return outcome.code;
      chain.clearProposals();
      await this.#parts.gossip.introduceTo(origin);
      this.#follow(node, chainStatus);
      return outcome.code;
    }
    env.log.info(`update node: 0x${node}`);
    if (outcome.kind === "new") await this.#parts.gossip.introduceTo(origin);
    else if (ownHeight > chainStatus.height) this.#parts.gossip.sendStatus(origin);
    this.#follow(node, chainStatus);
    return StatusCode.Success;
  }

  /**
   * Whether an introduction came over a session although its signer has another one, and tells
   * nothing new: anyone who has seen it could have sent it, to get what is meant for that node.
   */
  async #isReplay(node: AddressHex, { height }: ChainStatus, origin: bigint): Promise<boolean> {
    const { peers, env } = this.#node;
    const bound = peers.originOf(node);
    if (bound === null || bound === origin || height > (peers.heightOf(node) ?? 0n)) return false;
    const sessions = await env.ports.network.peersNetInfo();
    return sessions?.some((session) => session.origin === bound) ?? false;
  }

  /** A node that was rolled back says so itself: it cannot give what it had. */
  #lower(node: AddressHex, status: ChainStatus): void {
    const { peers, sync, env } = this.#node;
    if (!peers.lower(node, status)) return;
    env.log.info(`node 0x${node} was rolled back to height ${status.height}`);
    sync.retarget(node, peers.highest());
  }

  /** 15.2, and what follows when the peer is on another chain. */
  async #check(remote: ChainStatus, origin: bigint): Promise<StatusCode> {
    const addressCode = checkStatusAddress(remote);
    if (addressCode !== StatusCode.Success) return addressCode;
    const own = ownStatus(this.#node);
    let code = checkSameChain(remote, own);
    if (code === StatusCode.Success && own.height >= remote.height) {
      const hash = await this.#hashAt(remote.height);
      if (hash === null) return StatusCode.NoBlock;
      code = checkSameBlock(remote, hash);
    }
    if (isForeignChain(code, remote, own) && remote.address !== undefined) {
      this.#parts.gossip.rejectChain(origin);
      // a status is not signed: anyone could name anyone else in it
      this.#parts.syncer.ban(toHex(remote.address.address), origin);
    }
    return code;
  }

  async #hashAt(height: bigint): Promise<Bytes | null> {
    const { chain, env } = this.#node;
    if (height === chain.tip.height) return chain.tip.hash;
    const { code, value } = await env.ports.storage.load(Regions.BLOCK_HASH, u64be(height));
    return code === StatusCode.Success ? value : null;
  }

  /** 16.2 */
  #follow(address: AddressHex, status: ChainStatus): void {
    const { sync, chain, env } = this.#node;
    const before = sync.target?.status.height;
    sync.statusSeen({ address, status }, chain.tip.height);
    if (sync.target?.status.height !== before) {
      env.log.info(`update global status node(0x${address}) height(${status.height})`);
    }
    this.#parts.syncer.trySync();
  }

  async #onInitRequest(origin: bigint): Promise<StatusCode> {
    await this.#parts.gossip.introduceTo(origin);
    return StatusCode.Success;
  }

  async #onStatus(status: ChainStatus, origin: bigint): Promise<StatusCode> {
    const { peers, env } = this.#node;
    const checked = await this.#check(status, origin);
    if (checked !== StatusCode.Success) return checked;
    const address = toHex(status.address?.address ?? new Uint8Array());
    if (peers.originOf(address) !== origin) {
      this.#parts.gossip.askForIntroduction(origin);
      return StatusCode.Success;
    }
    const outcome = peers.record(address, status, env.clock.monotonicMs());
    if (outcome.kind === "refused") return outcome.code;
    env.log.info(`update node: 0x${address}`);
    this.#follow(address, status);
    return StatusCode.Success;
  }

  /** Counts only when the complaining node names itself: anyone could name anyone else. */
  #onReject({ respond }: ChainStatusRespond, origin: bigint): StatusCode {
    if (respond === undefined) return StatusCode.Success;
    const sender = senderOf(respond.value);
    if (sender === null) return StatusCode.ProvideAddressError;
    if (this.#node.peers.originOf(sender) === origin) this.#parts.syncer.ban(sender);
    return StatusCode.Success;
  }

  #onAsked(request: SyncBlockRequest, origin: bigint): StatusCode {
    const { startHeight, endHeight } = request;
    this.#node.env.log.info(`get sync_block_req: ${startHeight}-${endHeight}`);
    this.#parts.blockServer.answer(request, origin);
    return StatusCode.Success;
  }

  #onBlocks(
    { respond }: SyncBlockRespond,
    { origin, size }: { readonly origin: bigint; readonly size: number },
  ): StatusCode {
    if (respond === undefined) return StatusCode.Success;
    const address = respond.$case === "ok" ? respond.value.address : respond.value;
    const sender = address === undefined ? null : senderOf(address);
    if (sender === null || this.#node.peers.originOf(sender) !== origin) {
      this.#node.env.log.warn("sync_block_respond: given address error");
      return StatusCode.Success;
    }
    if (respond.$case === "ok") {
      this.#parts.syncer.receive(sender, { blocks: respond.value.syncBlocks, size });
    } else this.#parts.syncer.punish(sender);
    this.#parts.syncer.trySync();
    return StatusCode.Success;
  }

  async #onTxAsked({ txHash }: SyncTxRequest, origin: bigint): Promise<StatusCode> {
    const { pool, env } = this.#node;
    let value = pool.get(toHex(txHash))?.raw ?? null;
    if (value === null) {
      const stored = await env.ports.storage.load(Regions.TRANSACTIONS, txHash);
      if (stored.code === StatusCode.Success) value = tryDecode(RawTransaction, stored.value);
    }
    if (value === null) return StatusCode.Success;
    const payload = encode(SyncTxRespond, { respond: { $case: "ok", value } });
    this.#parts.gossip.unicast(origin, MessageType.SyncTxRespond, payload);
    return StatusCode.Success;
  }

  async #onTx({ respond }: SyncTxRespond, origin: bigint): Promise<StatusCode> {
    if (respond?.$case === "ok") return await this.#parts.admission.admitSingle(respond.value);
    const sender = respond === undefined ? null : senderOf(respond.value);
    if (sender !== null && this.#node.peers.originOf(sender) === origin) {
      this.#parts.syncer.punish(sender);
    }
    return StatusCode.Success;
  }

  #onUnknown(origin: bigint): StatusCode {
    const sender = this.#node.peers.addressOf(origin);
    if (sender !== null) this.#parts.syncer.ban(sender);
    return StatusCode.Success;
  }
}

/** Null for an address of the wrong length. */
function senderOf({ address }: { readonly address: Bytes }): AddressHex | null {
  return address.length === ADDRESS_SIZE ? toHex(address) : null;
}

async function decoded<Message>(
  codec: MessageCodec<Message>,
  bytes: Bytes,
  handle: (message: Message) => StatusCode | Promise<StatusCode>,
): Promise<StatusCode> {
  const message = tryDecode(codec, bytes);
  return message === null ? StatusCode.DecodeError : await handle(message);
}
