import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, concatBytes, toHex, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import {
  LockId,
  preHashOf,
  type SystemConfig,
} from "../../../services/controller/system_config/mod.ts";
import {
  address,
  normalTx,
  transaction,
  utxoTx,
} from "../../../services/controller/testing/builders.ts";
import type { WholeNet } from "./whole_net.ts";
import { nodeAddress, type WholeNode } from "./whole_node.ts";

const SENDER_COUNT = 5;
const BATCH_COUNT_MAX = 4;
const EMPTY: Bytes = new Uint8Array();

/** Those who send transactions, and the admin who governs. */
export class Users {
  /** Transactions that were sent so far, for those who send them again. */
  readonly sent: RawTransaction[] = [];
  #serial = 0;

  constructor(readonly net: WholeNet) {}

  /** Sends new transactions to a node, one or a batch; nothing follows when it is down. */
  async send(node: WholeNode): Promise<void> {
    const { world } = this.net;
    const { controller, process } = node;
    if (controller === null || process === null) return;
    const { systemConfig: { blockLimit, version }, chain } = controller.node;
    const raws = Array.from({ length: world.between(1, BATCH_COUNT_MAX) }, () => {
      const validUntilBlock = chain.tip.height + BigInt(world.between(1, Number(blockLimit)));
      const inner = transaction(`${this.#serial++}`, { validUntilBlock, version });
      return normalTx(this.net.ledger.hash, inner, address(world.between(1, SENDER_COUNT)));
    });
    this.sent.push(...raws);
    const [first] = raws;
    const sending = first !== undefined && world.chance(0.7)
      ? controller.send(first)
      : controller.sendBatch(raws);
    const outcome = await process.answer(sending);
    if (outcome?.code !== StatusCode.Success) return;
    for (const raw of raws) {
      const hash = rawTransactionHash(raw);
      const wasTaken = hash !== null &&
        outcome.hashes.some((taken) => toHex(taken) === toHex(hash));
      if (!wasTaken || raw.tx?.$case !== "normalTx") continue;
      const validUntil = raw.tx.value.transaction?.validUntilBlock ?? 0n;
      this.net.ledger.onAcknowledged({
        hash: toHex(hash),
        height: chain.tip.height,
        process,
        isKept: node.journal !== null,
        validUntil,
      });
    }
  }

  /** Sends a transaction again that may be in a block for long, to a node that may not know it. */
  async sendAgain(node: WholeNode): Promise<void> {
    const raw = this.sent[this.net.world.between(0, this.sent.length - 1)];
    const { controller, process } = node;
    if (raw === undefined || controller === null || process === null) return;
    await process.answer(controller.send(raw));
  }

  /** Changes something of the system configuration. */
  async govern(node: WholeNode): Promise<void> {
    const config = node.controller?.node.systemConfig;
    if (config === undefined) return;
    const [lockId, output] = this.#anyChange(config);
    await this.change(node, lockId, output);
  }

  /** Lets transactions pass again, if they do not. */
  async releaseBrake(node: WholeNode): Promise<void> {
    if (node.controller?.node.systemConfig.emergencyBrake !== true) return;
    await this.change(node, LockId.EmergencyBrake, EMPTY);
  }

  /** Has an item of the system configuration changed. */
  async change(node: WholeNode, lockId: LockId, output: Bytes): Promise<void> {
    const { controller, process } = node;
    if (controller === null || process === null) return;
    const { systemConfig } = controller.node;
    const preTxHash = preHashOf(systemConfig, lockId);
    const { version, admin } = systemConfig;
    const raw = utxoTx(this.net.ledger.hash, { version, lockId, output, preTxHash, sender: admin });
    await process.answer(controller.send(raw));
  }

  #anyChange(config: SystemConfig): [LockId, Bytes] {
    const { world, nodes } = this.net;
    switch (world.between(0, 5)) {
      case 0:
        return [LockId.BlockInterval, u32be(world.between(1, 3))];
      case 1:
        return [LockId.EmergencyBrake, config.emergencyBrake ? EMPTY : Uint8Array.of(1)];
      case 2:
        return [LockId.BlockLimit, u64be(BigInt(world.between(10, 60)))];
      case 3:
        return [LockId.Version, u32be(config.version + 1)];
      default: {
        const chosen = [...nodes.keys()].filter(() => world.chance(0.7));
        // a validator that is alone could decide on anything
        const indices = chosen.length > 1 ? chosen : [...nodes.keys()];
        return [LockId.Validators, concatBytes(...indices.map(nodeAddress))];
      }
    }
  }
}
