/** Transactions sent to the nodes of a chain, and which of them were accepted. */

import type { RawTransaction } from "../../proto/gen/blockchain.ts";
import { hashTransaction } from "../../shared/block/mod.ts";
import { EMPTY_BYTES, to0xHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { type CryptoSuite, loadSuite } from "../../shared/crypto/mod.ts";
import { RpcFault } from "../../shared/rpc/mod.ts";
import type { DevChain } from "./dev_chain.ts";

const QUOTA = 200_000n;
const RECIPIENT = new Uint8Array(20).fill(0x42);
/** Blocks that a transaction stays valid for: within the limit of 100 for nodes that lag behind. */
const VALID_BLOCKS = 80n;
const SENDING_INTERVAL_MS = 100;

/** What a sender needs of a chain. */
export type SendingChain = Pick<DevChain, "node" | "height"> & {
  readonly options: Pick<DevChain["options"], "crypto">;
};

/** Sends transactions of one account, each with a nonce of its own. */
export class Sender<Chain extends SendingChain = DevChain> {
  /** Hashes of the transactions that a node accepted, with `0x`. */
  readonly accepted = new Set<string>();
  readonly #secretKey;
  #sentCount = 0;

  private constructor(readonly chain: Chain, readonly suite: CryptoSuite) {
    this.#secretKey = suite.generateSecretKey();
  }

  static async create<Chain extends SendingChain>(chain: Chain): Promise<Sender<Chain>> {
    return new Sender(chain, await loadSuite(chain.options.crypto));
  }

  /** Sends a transaction to a node; gives its hash with `0x` once it is accepted. */
  async send(node: number): Promise<string> {
    const { controller } = this.chain.node(node);
    const { hash } = await controller.sendRawTransaction(await this.#sign(node));
    const text = to0xHex(hash);
    this.accepted.add(text);
    return text;
  }

  /** Sends to one node after the other until it is told to stop; a node may be away. */
  async sendUntil(stop: AbortSignal, nodes: () => readonly number[]): Promise<void> {
    for (let turn = 0; !stop.aborted; turn++) {
      const targets = nodes();
      const node = targets[turn % targets.length];
      try {
        if (node !== undefined) await this.send(node);
      } catch (fault) {
        if (!(fault instanceof RpcFault)) throw fault;
      }
      await SYSTEM_CLOCK.sleep(SENDING_INTERVAL_MS, stop);
    }
  }

  async #sign(node: number): Promise<RawTransaction> {
    const { suite } = this;
    const { controller } = this.chain.node(node);
    const { chainId } = await controller.getSystemConfig({});
    const transaction = {
      version: 0,
      to: RECIPIENT,
      nonce: String(this.#sentCount++),
      quota: QUOTA,
      validUntilBlock: await this.chain.height(node) + VALID_BLOCKS,
      data: EMPTY_BYTES,
      value: new Uint8Array(32),
      chainId,
    };
    const transactionHash = hashTransaction(suite.hash, transaction);
    const sender = suite.addressOf(suite.publicKeyOf(this.#secretKey));
    const signature = suite.sign(this.#secretKey, transactionHash);
    const value = { transaction, transactionHash, witness: { signature, sender } };
    return { tx: { $case: "normalTx", value } };
  }
}
