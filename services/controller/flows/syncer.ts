import { SyncBlockRequest } from "../../../proto/gen/sync.ts";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { encodeProposal, hashBlockHeader } from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, equalBytes } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { checkFields } from "../auth/mod.ts";
import { hasTrueRoot } from "../chain/mod.ts";
import { type AddressHex, MessageType } from "../node_manager/mod.ts";
import type { SyncAnswer, SyncedBlock, SyncRequest } from "../sync/mod.ts";
import type { Admission } from "./admission.ts";
import type { ConsensusLink } from "./consensus_link.ts";
import { finalise } from "./finalise.ts";
import type { Gossip } from "./gossip.ts";
import { type Node, rulesOf } from "./node.ts";
import type { SystemConfig } from "../system_config/mod.ts";
import { StoppedError } from "./retry.ts";
import { checkTipProof } from "./tip_proof.ts";

/** Collaborators of {@linkcode Syncer}. */
export interface SyncerParts {
  readonly admission: Admission;
  readonly gossip: Gossip;
  readonly consensus: ConsensusLink;
}

/** Codes of a service of this node that is away (200, 300, 400, 500, 600) or has a full disk. */
function isLocalTrouble(code: StatusCode): boolean {
  if (code === StatusCode.StoreError || code === StatusCode.LoadError) return true;
  return code >= 200 && code % 100 === 0;
}

/** What became of the next block. */
type ApplyOutcome = "applied" | "refused" | "asked" | "later" | "none";

/** Fetches and applies the blocks that this node lacks (spec/controller.md, 16). */
export class Syncer {
  readonly #node: Node;
  readonly #parts: SyncerParts;
  #isApplying = false;
  /** Why blocks cannot be applied for now; told when it changes. */
  #trouble: StatusCode | null = null;
  /** Something came that may be applied, since the buffer was last looked at. */
  #hasNews = false;

  constructor(node: Node, parts: SyncerParts) {
    this.#node = node;
    this.#parts = parts;
  }

  /** Why blocks of peers cannot be applied for now; null when they can. */
  get trouble(): StatusCode | null {
    return this.#trouble;
  }

  /** Asks for what is missing, if a peer is higher. */
  trySync(): void {
    const { sync, chain, peers, env } = this.#node;
    const { target } = sync;
    if (target !== null && peers.originOf(target.address) === null) this.#abandon(target.address);
    const reachable = peers.nodes().filter(({ origin }) => origin !== null)
      .map(({ address, status: { height } }) => ({ address, height }));
    const requests = sync.plan({
      ownHeight: chain.tip.height,
      hasCandidates: chain.hasCandidates,
      peers: reachable,
      nowMs: env.clock.monotonicMs(),
    });
    for (const request of requests) this.#request(request);
  }

  #request({ address, start, end }: SyncRequest): void {
    const { peers, env } = this.#node;
    const origin = peers.originOf(address);
    if (origin === null) {
      this.#abandon(address);
      return;
    }
    env.log.info(`SyncBlockRequest: start ${start}, end ${end}`);
    const payload = encode(SyncBlockRequest, { startHeight: start, endHeight: end });
    this.#parts.gossip.unicast(origin, MessageType.SyncBlock, payload);
  }

  /** Follows the next best peer instead of one that cannot help. */
  #abandon(address: AddressHex): void {
    const { sync, peers } = this.#node;
    sync.forgetPeer(address);
    const next = peers.highest((other) => other !== address);
    sync.retarget(address, next);
  }

  /** Ignores a peer for a while and follows another one. */
  punish(address: AddressHex): void {
    const { peers, env } = this.#node;
    if (peers.misbehave(address, env.clock.monotonicMs())) {
      env.log.warn(`set misbehavior node: 0x${address}`);
    }
    this.#abandon(address);
  }

  /** Ignores a peer until the process ends and follows another one. */
  ban(address: AddressHex): void {
    this.#node.peers.ban(address);
    this.#node.env.log.warn(`set ban node: 0x${address}`);
    this.#abandon(address);
  }

  /** Gives up on requests that nobody answered; called every second or so. */
  expireRequests(): void {
    const { sync, peers, env } = this.#node;
    for (const address of sync.expire(env.clock.monotonicMs())) {
      env.log.warn(`sync: no answer from node(0x${address})`);
      // with nobody else to ask the same peer gets another chance with fewer blocks
      if (peers.highest((other) => other !== address) !== null) this.punish(address);
    }
    this.trySync();
  }

  /** Takes blocks that a peer sent and applies what fits. */
  receive(sender: AddressHex, answer: SyncAnswer): void {
    const { sync, chain, env } = this.#node;
    const heights = sync.received(sender, answer, chain.tip.height);
    if (heights === null) {
      this.punish(sender);
      return;
    }
    if (heights.length === 0) return;
    env.log.info(
      `sync: insert_blocks: heights = [${heights.join(", ")}] from node(0x${sender})`,
    );
    this.#applySoon();
  }

  #applySoon(): void {
    this.#hasNews = true;
    if (this.#isApplying) return;
    this.#isApplying = true;
    this.#applyAll().catch((error) => {
      if (!(error instanceof StoppedError)) throw error;
    });
  }

  /** Nothing waits between the last look for news and the end, else news would stay unnoticed. */
  async #applyAll(): Promise<void> {
    try {
      while (this.#hasNews) {
        this.#hasNews = false;
        await this.#applyBuffered();
      }
    } finally {
      this.#isApplying = false;
    }
  }

  /** The lock is free between two blocks, so that queries and commits get their turn. */
  async #applyBuffered(): Promise<void> {
    const { lock, env } = this.#node;
    while (!env.signal.aborted) {
      const before = this.#node.systemConfig;
      const outcome = await lock.run(() => this.#applyNext());
      if (outcome === "none") break;
      if (outcome === "later") await env.clock.sleep(LOCAL_TROUBLE_PAUSE_MS, env.signal);
      if (outcome === "applied") await this.#tellConsensus(before);
      this.trySync();
    }
    this.trySync();
  }

  /**
   * Tells consensus of the new height. What it answers to a proof depends on the validators, not on
   * the height (spec/consensus.md, 5.2): while only the height changes and more blocks wait, they
   * need not wait for it, and heights that it is too slow for are left out.
   */
  async #tellConsensus(before: SystemConfig): Promise<void> {
    const { sync, chain, systemConfig } = this.#node;
    const { consensus } = this.#parts;
    if (systemConfig === before && sync.hasNext(chain.tip.height)) consensus.reconfigureSoon();
    else await consensus.reconfigure();
  }

  async #applyNext(): Promise<ApplyOutcome> {
    const { sync, chain, env } = this.#node;
    const synced = sync.takeNext(chain.tip.height);
    if (synced === null) return "none";
    chain.clearProposals();
    const height = chain.tip.height + 1n;
    const code = await this.#process(synced);
    const before = this.#trouble;
    this.#trouble = isLocalTrouble(code) ? code : null;
    if (code === StatusCode.Success) return "applied";
    if (this.#trouble !== null) {
      if (code !== before) env.log.warn(`sync block error: ${statusName(code)}`);
      sync.putBack(height, synced);
      return "later";
    }
    if (code === StatusCode.ProposalCheckError && this.#askForTip(synced)) return "asked";
    const { sender } = synced;
    env.log.warn(
      `sync block error: ${statusName(code)}, node: 0x${sender} been misbehavior_node`,
    );
    this.punish(sender);
    return "refused";
  }

  /**
   * The proof of a block depends on the proof of the one before, which the sender may have another
   * one of than this node: asks for it, once.
   */
  #askForTip(synced: SyncedBlock): boolean {
    const { sync, chain, env } = this.#node;
    if (chain.tip.proof.length === 0) return false;
    const view = { ownHeight: chain.tip.height, nowMs: env.clock.monotonicMs() };
    const request = sync.askForTip(synced, view);
    if (request === null) return false;
    this.#request(request);
    return true;
  }

  /** 16.6 */
  async #process({ sender, block }: SyncedBlock): Promise<StatusCode> {
    const { chain, env, hash } = this.#node;
    const { header, body, proof } = block;
    if (header === undefined) return StatusCode.NoneBlockHeader;
    const turn = chain.checkHeight(header.height);
    if (turn !== StatusCode.Success) return turn;
    if (body === undefined) return StatusCode.NoneBlockBody;
    if (!chain.isOnTip(block) || !hasTrueRoot(hash, block)) return StatusCode.BlockCheckError;
    const preProof = this.#proofFrom(sender) ?? chain.tip.proof;
    const tipProven = await checkTipProof(this.#node, preProof);
    if (tipProven !== StatusCode.Success) return tipProven;
    const data = this.#rebuildProposal(block, preProof);
    const proposal = { height: header.height, data };
    const proven = await env.ports.consensus.checkBlock({ proposal, proof });
    if (proven !== StatusCode.Success) return proven;
    const rules = rulesOf(this.#node);
    for (const raw of body.body) {
      const code = checkFields(raw, rules);
      if (code !== StatusCode.Success) return code;
    }
    const signed = await this.#parts.admission.verifySynced(body.body);
    if (signed !== StatusCode.Success) return signed;
    return await finalise(this.#node, {
      source: "peer",
      block,
      hash: hashBlockHeader(hash, header),
      preProof,
    });
  }

  /** The proof of the tip in the copy that a peer sent of it. */
  #proofFrom(sender: AddressHex): Bytes | null {
    const { sync, chain, hash } = this.#node;
    const { height, hash: tipHash } = chain.tip;
    const copy = sync.tipOf(sender, height);
    if (copy?.header === undefined) return null;
    return equalBytes(hashBlockHeader(hash, copy.header), tipHash) ? copy.proof : null;
  }

  /** The bytes that the proof is about (protocol.md, 13.6). */
  #rebuildProposal(block: Block, preProof: Bytes): Bytes {
    const { stateRoot: preStateRoot } = this.#node.chain.tip;
    return encodeProposal({ preStateRoot, preProof, block: { ...block, proof: EMPTY_BYTES } });
  }
}

/** Pause before a block is tried again that a missing neighbour kept from being applied. */
const LOCAL_TROUBLE_PAUSE_MS = 1_000;
