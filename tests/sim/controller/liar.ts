import { Block, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import {
  ChainStatus,
  ChainStatusInit,
  ChainStatusRespond,
  SyncBlockRequest,
  SyncBlockRespond,
} from "../../../proto/gen/sync.ts";
import { type Bytes, u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode, tryDecode } from "../../../shared/codec/mod.ts";
import { MessageType, MODULE } from "../../../services/controller/node_manager/mod.ts";
import {
  address,
  CHAIN_ID,
  normalTx,
  transaction,
} from "../../../services/controller/testing/builders.ts";
import { fakeSignature } from "../../../services/controller/testing/fake_kms.ts";
import type { Packet, Stranger, WholeNet } from "./whole_net.ts";
import { nodeAddress } from "./whole_node.ts";

/** Messages of others that it keeps to send them again. */
const KEPT_MAX = 100;

/** What a transaction must not look like. */
const GARBAGE_SIZE_MAX = 200;

/**
 * A peer that has a key of its own and lies: about its height, about blocks, in the name of others;
 * it repeats what it heard, floods, leaves requests unanswered.
 */
export class Liar implements Stranger {
  readonly #net: WholeNet;
  readonly #address = address(0xee);
  readonly #heard: Packet[] = [];

  constructor(net: WholeNet) {
    this.#net = net;
  }

  start(): void {
    this.#net.world.schedule(this.#net.world.between(100, 2_000), () => {
      this.#act();
      this.start();
    });
  }

  receive(origin: bigint, packet: Packet): void {
    const { world } = this.#net;
    if (packet.module !== MODULE) return;
    this.#heard.push(packet);
    if (this.#heard.length > KEPT_MAX) this.#heard.shift();
    if (packet.type === MessageType.SyncBlock && world.chance(0.7)) {
      const request = decode(SyncBlockRequest, packet.body);
      this.#tell(origin, MessageType.SyncBlockRespond, this.#blocks(request));
    }
  }

  #act(): void {
    const { world, network, nodes } = this.#net;
    const [type, body] = this.#anyMessage();
    const count = world.chance(0.05) ? 50 : 1;
    for (let i = 0; i < count; i++) {
      const to = world.between(0, nodes.length - 1);
      network.send(nodes.length, to, { module: MODULE, type, body });
    }
  }

  #tell(origin: bigint, type: string, body: Bytes): void {
    const { network, nodes } = this.#net;
    network.send(nodes.length, network.nodeOf(origin), { module: MODULE, type, body });
  }

  #anyMessage(): [string, Bytes] {
    const { world, ledger: { hash } } = this.#net;
    switch (world.between(0, 7)) {
      case 0:
      case 1: {
        const chainStatus = this.#status(this.#address);
        const signature = fakeSignature(
          hash,
          this.#address,
          hash(encode(ChainStatus, chainStatus)),
        );
        return [MessageType.ChainStatusInit, encode(ChainStatusInit, { chainStatus, signature })];
      }
      case 2:
        return [MessageType.ChainStatus, encode(ChainStatus, this.#status(this.#anyAddress()))];
      case 3: {
        const value = { address: this.#anyAddress() };
        const respond = { $case: "notSameChain", value } as const;
        return [MessageType.ChainStatusRespond, encode(ChainStatusRespond, { respond })];
      }
      case 4: {
        const { type, body } = this.#heard[world.between(0, this.#heard.length - 1)] ??
          { type: "nonsense", body: new Uint8Array(3) };
        return [type, body];
      }
      case 5:
        return [MessageType.SendTxs, encode(RawTransactions, { body: [this.#forged()] })];
      case 6: {
        const request = { startHeight: 1n, endHeight: BigInt(world.between(0, 1_000)) };
        return [MessageType.SyncBlockRespond, this.#blocks(request)];
      }
      default: {
        const types = Object.values(MessageType);
        const type = types[world.between(0, types.length - 1)] ?? "";
        return [type, randomBytes(world.random, world.between(0, GARBAGE_SIZE_MAX))];
      }
    }
  }

  #anyAddress(): Bytes {
    const { world, nodes } = this.#net;
    return nodeAddress(world.between(0, nodes.length - 1));
  }

  /** Of a height that was, that may be, or that may never be. */
  #status(own: Bytes): ChainStatus {
    const { world, highest } = this.#net;
    const heights = [
      BigInt(world.between(0, Number(highest))),
      highest + BigInt(world.between(0, 20)),
      1n << 40n,
    ];
    const height = heights[world.between(0, 2)] ?? 0n;
    const hash = randomBytes(world.random, 32);
    return { version: 0, chainId: CHAIN_ID, height, hash: { hash }, address: { address: own } };
  }

  /** Blocks as some node has them, with something wrong; or none. */
  #blocks({ startHeight, endHeight }: SyncBlockRequest): Bytes {
    const { world } = this.#net;
    const own = { address: world.chance(0.8) ? this.#address : this.#anyAddress() };
    if (world.chance(0.2)) {
      return encode(SyncBlockRespond, { respond: { $case: "missBlock", value: own } });
    }
    const syncBlocks: Block[] = [];
    for (let height = startHeight; height <= endHeight && syncBlocks.length < 10; height++) {
      const block = this.#stored(height);
      if (block !== null) syncBlocks.push(world.chance(0.3) ? this.#spoil(block) : block);
    }
    return encode(SyncBlockRespond, {
      respond: { $case: "ok", value: { address: own, syncBlocks } },
    });
  }

  #stored(height: bigint): Block | null {
    const { storage } = this.#net.anyNode();
    return tryDecode(Block, storage.read(Regions.FULL_BLOCK, u64be(height)).value);
  }

  #spoil(block: Block): Block {
    const { world } = this.#net;
    const { header } = block;
    switch (world.between(0, 5)) {
      case 0:
        return { ...block, proof: randomBytes(world.random, block.proof.length) };
      case 1:
        return { ...block, body: { body: [] } };
      case 2:
        return { ...block, body: { body: [...block.body?.body ?? [], this.#forged()] } };
      case 3:
        return { ...block, header: undefined };
      case 4:
        return header === undefined ? block : {
          ...block,
          header: { ...header, timestamp: header.timestamp + 1n },
        };
      default:
        return { ...block, body: undefined };
    }
  }

  #forged() {
    const raw = normalTx(this.#net.ledger.hash, transaction("liar"), address(0x11));
    if (raw.tx?.$case === "normalTx" && raw.tx.value.witness !== undefined) {
      raw.tx.value.witness.signature = new Uint8Array(128);
    }
    return raw;
  }
}

function randomBytes(random: () => number, size: number): Bytes {
  return Uint8Array.from({ length: size }, () => Math.floor(256 * random()));
}
