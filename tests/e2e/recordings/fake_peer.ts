/** A peer of the node: another controller that knows a chain and answers for its blocks. */

import type { Block } from "../../../proto/gen/blockchain.ts";
import { KmsServiceService } from "../../../proto/gen/kms.ts";
import type { NetworkMsg } from "../../../proto/gen/network.ts";
import {
  ChainStatus,
  ChainStatusInit,
  SyncBlockRequest,
  SyncBlockRespond,
} from "../../../proto/gen/sync.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { RpcClient } from "../../../shared/rpc/mod.ts";
import type { FakeNetwork } from "./fake_network.ts";

/** Who a peer is. */
export interface PeerIdentity {
  readonly address: Bytes;
  /** Its session with the node. */
  readonly origin: bigint;
}

/** Gives the block of a height, or null when the peer does not have it. */
export type BlockSource = (height: bigint) => Block | null;

/** Signs with one of the keys of a running kms. */
export async function signStatus(
  kms: RpcClient<typeof KmsServiceService>,
  keyId: bigint,
  chainStatus: ChainStatus,
): Promise<Bytes> {
  const { hash } = await kms.hashData({ data: encode(ChainStatus, chainStatus) });
  if (hash === undefined) throw new Error("The kms does not hash");
  const { signature } = await kms.signMessage({ keyId, msg: hash.hash });
  return encode(ChainStatusInit, { chainStatus, signature });
}

/** A controller behind the fake network. */
export class FakePeer {
  /** Inclusive ranges that the node asked for, in order. */
  readonly requests: (readonly [start: bigint, end: bigint])[] = [];
  /** Replaced to misbehave. */
  blocks: BlockSource;

  constructor(
    readonly network: FakeNetwork,
    readonly identity: PeerIdentity,
    blocks: BlockSource,
  ) {
    this.blocks = blocks;
    network.join(identity.origin, (message) => this.#receive(message));
  }

  /** Sends an encoded `ChainStatusInit`; gives the code that the node answers. */
  announce(init: Bytes): Promise<number> {
    return this.#deliver("chain_status_init", init);
  }

  #deliver(type: string, msg: Bytes): Promise<number> {
    const { origin } = this.identity;
    return this.network.deliver({ module: "controller", type, origin, msg });
  }

  async #receive({ type, msg }: NetworkMsg): Promise<void> {
    if (type !== "sync_block") return;
    const { startHeight, endHeight } = decode(SyncBlockRequest, msg);
    this.requests.push([startHeight, endHeight]);
    const blocks: Block[] = [];
    for (let height = startHeight; height <= endHeight; height++) {
      const block = this.blocks(height);
      if (block !== null) blocks.push(block);
    }
    const { address } = this.identity;
    const isWhole = BigInt(blocks.length) === endHeight - startHeight + 1n;
    const answer: SyncBlockRespond = isWhole
      ? { respond: { $case: "ok", value: { address: { address }, syncBlocks: blocks } } }
      : { respond: { $case: "missBlock", value: { address } } };
    await this.#deliver("sync_block_respond", encode(SyncBlockRespond, answer));
  }
}
