import { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { encodeProposal } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes, u64be } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Tip } from "../chain/mod.ts";
import type { Node } from "./node.ts";

/*
 * A block can be decided with different proofs: a leader stores it with the precommits of its round,
 * and when nobody hears of that the others decide the same block in a later round. Which proof the
 * chain goes on with is decided together with the next block, whose proposal contains it (spec/
 * consensus.md, 5.1). The reference compares bytes, so a node with the other proof stays behind for
 * good; this one accepts any proof that holds, and stores the one that was decided upon.
 */

/**
 * Whether a proof proves the tip: 0, 130, or the code of a service that cannot be asked now. Costs
 * nothing when it is the stored one. Genesis and the blocks of raft have none, and so no other.
 */
export async function checkTipProof(node: Node, proof: Bytes): Promise<StatusCode> {
  const { chain, env } = node;
  const { tip } = chain;
  if (chain.isProofOfTip(proof)) return StatusCode.Success;
  if (!mayReplace(tip, proof)) return StatusCode.ProposalCheckError;
  const { code, data } = await rebuildProposal(node, tip.height);
  if (code !== StatusCode.Success) return code;
  const proposal = { height: tip.height, data };
  const proven = await env.ports.consensus.checkBlock({ proposal, proof });
  if (proven === StatusCode.Success) chain.acceptProof(tip, proof);
  return proven;
}

/**
 * Stores the proof of the tip that the decided next block contains. The lock must be held. To be
 * called before anything of that block is written: a crash afterwards leaves a node at the tip with
 * a proof that is good too.
 */
export async function storeTipProof(node: Node, proof: Bytes): Promise<StatusCode> {
  const { chain, env } = node;
  const { tip } = chain;
  if (equalBytes(proof, tip.proof) || !mayReplace(tip, proof)) return StatusCode.Success;
  const record = { region: Regions.PROOF, key: u64be(tip.height), value: proof };
  const code = await env.ports.storage.store(record);
  if (code !== StatusCode.Success) return code;
  chain.replaceProof(proof);
  env.log.info(`block ${tip.height}: the chain goes on with another proof, it replaces the own`);
  return StatusCode.Success;
}

function mayReplace(tip: Tip, proof: Bytes): boolean {
  return tip.proof.length > 0 && proof.length > 0;
}

/** The bytes that the proofs of a stored block are about (protocol.md, 13.6). */
async function rebuildProposal(
  { env }: Node,
  height: bigint,
): Promise<{ readonly code: StatusCode; readonly data: Bytes }> {
  const { storage } = env.ports;
  const [stored, preStateRoot, preProof] = await Promise.all([
    storage.load(Regions.FULL_BLOCK, u64be(height)),
    storage.load(Regions.RESULT, u64be(height - 1n)),
    storage.load(Regions.PROOF, u64be(height - 1n)),
  ]);
  const failed = [stored, preStateRoot, preProof].find(({ code }) => code !== StatusCode.Success);
  if (failed !== undefined) return { code: failed.code, data: failed.value };
  const block = tryDecode(Block, stored.value);
  if (block === null) return { code: StatusCode.DecodeError, data: stored.value };
  const parts = { preStateRoot: preStateRoot.value, preProof: preProof.value, block };
  return { code: StatusCode.Success, data: encodeProposal(parts) };
}
