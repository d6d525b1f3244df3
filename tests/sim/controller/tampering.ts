import type { Block, RawTransaction } from "../../../proto/gen/blockchain.ts";
import { assembleBlock, type Tip } from "../../../services/controller/chain/mod.ts";
import {
  address,
  blockBody,
  normalTx,
  transaction,
} from "../../../services/controller/testing/builders.ts";
import { decodeProposal, encodeProposal } from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES } from "../../../shared/bytes/mod.ts";
import type { Users } from "./users.ts";
import type { WholeNet } from "./whole_net.ts";

/** Probability that a proposal is made worse. */
const TAMPER_RATE = 0.5;

/** What a validator does that wants its proposals to do harm; its votes are honest. */
export function tampering(users: Users): (data: Bytes) => Bytes {
  const { net } = users;
  return (data) => {
    const { world } = net;
    const proposal = decodeProposal(data);
    const block = proposal?.proposal;
    if (!world.chance(TAMPER_RATE) || proposal === null || block?.header === undefined) return data;
    const { preStateRoot, preProof } = proposal;
    const parts = { preStateRoot, preProof, block };
    switch (world.between(0, 5)) {
      case 0:
        return encodeProposal({ ...parts, block: withBody(net, block, twice) });
      case 1:
        return encodeProposal({
          ...parts,
          block: withBody(net, block, (body) => old(users, body)),
        });
      case 2:
        return encodeProposal({ ...parts, block: withBody(net, block, (body) => bad(net, body)) });
      case 3:
        return encodeProposal({ ...parts, preStateRoot: new Uint8Array(32).fill(7) });
      case 4:
        return encodeProposal({ ...parts, block: { ...block, body: { body: [] } } });
      default:
        return data.slice(0, Math.floor(data.length * world.random()));
    }
  };
}

/** The same block with other transactions, and a header that fits them. */
function withBody(
  net: WholeNet,
  block: Block,
  change: (body: readonly RawTransaction[]) => readonly RawTransaction[],
): Block {
  const { header } = block;
  if (header === undefined) return block;
  const { prevhash: hash, height, timestamp: timestampMs, proposer } = header;
  const executed = { stateRoot: EMPTY_BYTES, proof: EMPTY_BYTES };
  const tip: Tip = { hash, height: height - 1n, timestampMs, ...executed };
  const body = blockBody(net.ledger.hash, change(block.body?.body ?? []));
  return assembleBlock({ tip, proposer, nowMs: timestampMs, body });
}

/** A transaction two times in one block. */
function twice(body: readonly RawTransaction[]): RawTransaction[] {
  return [...body, ...body.slice(0, 1)];
}

/** A transaction that is in the chain already, if one was sent before. */
function old({ sent, net }: Users, body: readonly RawTransaction[]): RawTransaction[] {
  const chosen = sent[net.world.between(0, sent.length - 1)];
  return chosen === undefined ? [...body] : [...body, chosen];
}

/** A transaction that nobody signed. */
function bad({ ledger: { hash } }: WholeNet, body: readonly RawTransaction[]): RawTransaction[] {
  const forged = normalTx(hash, transaction("forged"), address(0x66));
  if (forged.tx?.$case === "normalTx" && forged.tx.value.witness !== undefined) {
    forged.tx.value.witness.signature = new Uint8Array(128);
  }
  return [...body, forged];
}
