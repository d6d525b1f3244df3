import type { Block } from "../../../proto/gen/blockchain.ts";
import { SyncBlockRespond } from "../../../proto/gen/sync.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import type { TestNode } from "./test_node.ts";

/**
 * Makes a node answer requests for blocks with others than it has.
 *
 * @returns how to stop it
 */
export function changeAnswers(
  { network }: TestNode,
  change: (blocks: Block[]) => Block[],
): () => void {
  const send = network.send;
  network.send = (origin, type, msg) => {
    const respond = type === MessageType.SyncBlockRespond
      ? decode(SyncBlockRespond, msg).respond
      : undefined;
    if (respond?.$case !== "ok") return send.call(network, origin, type, msg);
    const value = { ...respond.value, syncBlocks: change(respond.value.syncBlocks) };
    const changed = encode(SyncBlockRespond, { respond: { $case: "ok", value } });
    return send.call(network, origin, type, changed);
  };
  return () => network.send = send;
}

/** Makes a node answer requests for blocks later than it could. */
export function delayAnswers({ network, clock }: TestNode, byMs: number): void {
  const send = network.send;
  network.send = async (origin, type, msg) => {
    if (type === MessageType.SyncBlockRespond) await clock.sleep(byMs);
    return await send.call(network, origin, type, msg);
  };
}
