/** What all nodes of a chain must have in common. */

import assert from "node:assert/strict";
import { to0xHex } from "../../shared/bytes/mod.ts";
import type { DevChain } from "./dev_chain.ts";

/** Everything that the nodes must agree on, for one height. */
async function describeBlock(chain: DevChain, node: number, blockNumber: bigint) {
  const { controller, evm } = chain.node(node);
  const { hash } = await controller.getBlockHash({ blockNumber });
  const { stateRoot } = await controller.getStateRootByNumber({ blockNumber });
  const { body } = await controller.getBlockByNumber({ blockNumber });
  const txHashes = body?.txHashes ?? [];
  const receipts = await Promise.all(txHashes.map(async (hash) => {
    const { tx } = await controller.getTransaction({ hash });
    // the executor leaves changes of the system configuration to the controller
    return tx?.$case === "utxoTx" ? null : await evm.getTransactionReceipt({ hash });
  }));
  return {
    hash: to0xHex(hash),
    stateRoot: to0xHex(stateRoot),
    transactions: txHashes.map(to0xHex),
    receipts,
  };
}

/**
 * Compares hash, state root, transactions and receipts of every block that all nodes have, and that
 * no transaction is in two blocks; gives the hashes of the transactions.
 */
export async function assertNodesAgree(chain: DevChain): Promise<ReadonlySet<string>> {
  const heights = await Promise.all(chain.nodes().map((node) => chain.height(node)));
  const common = heights.reduce((least, height) => height < least ? height : least);
  const executed = new Set<string>();
  for (let height = 0n; height <= common; height++) {
    const [wanted, ...others] = await Promise.all(
      chain.nodes().map((node) => describeBlock(chain, node, height)),
    );
    assert(wanted !== undefined);
    for (const [index, found] of others.entries()) {
      assert.deepEqual(found, wanted, `block ${height} of node ${index + 1}`);
    }
    for (const hash of wanted.transactions) {
      assert(!executed.has(hash), `${hash} is in block ${height} and in one before`);
      executed.add(hash);
    }
  }
  return executed;
}
