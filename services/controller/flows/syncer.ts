import { SyncBlockRequest } from "../../../proto/gen/sync.ts";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { encodeProposal, hashBlockHeader } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { checkFields } from "../auth/mod.ts";
import { hasTrueRoot } from "../chain/mod.ts";
import { type AddressHex, MessageType } from "../node_manager/mod.ts";
import type { SyncAnswer, SyncedBlock, SyncRequest } from "../sync/mod.ts";
import type { Admission } from "./admission.ts";
import type { ConsensusLink } from "./consensus_link.ts";
import type { Gossip } from "./gossip.ts";
import type { Node } from "./node.ts";
import { StoppedError } from "./retry.ts";
import { SyncedRun } from "./synced_run.ts";
import { checkTipProof, storeTipProof } from "./tip_proof.ts";

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
  /** Codes of the signatures of blocks that wait. */
  readonly #verified = new WeakMap<Block, Promise<StatusCode>>();

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
  ban(address: AddressHex, origin?: bigint): void {
    const isUnreachable = this.#node.peers.ban(address, origin);
    this.#node.env.log.warn(`set ban node: 0x${address}`);
    if (isUnreachable) this.#abandon(address);
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

  /**
   * The lock is free between two runs, so that queries and commits get their turn. Consensus has to
   * know the validators before it is asked about a proof of theirs; that there are more blocks it
   * hears meanwhile, heights that it is too slow for are left out.
   */
  async #applyBuffered(): Promise<void> {
    const { lock, env } = this.#node;
    const { consensus } = this.#parts;
    while (!env.signal.aborted) {
      await consensus.inform();
      const outcome = await lock.run(() => this.#applyRun());
      this.#node.sync.endRun();
      if (outcome === "none") break;
      if (outcome === "later") await env.clock.sleep(LOCAL_TROUBLE_PAUSE_MS, env.signal);
      if (outcome === "applied" && consensus.isInformed) consensus.reconfigureSoon();
      this.trySync();
    }
    this.trySync();
  }

  /**
   * Applies the next block, and those after it as long as all goes well: whatever is wrong with one
   * of them ends the run before it, and it is looked at closely as the first of the next run.
   */
  async #applyRun(): Promise<ApplyOutcome> {
    const { sync, chain } = this.#node;
    const first = sync.takeNext(chain.tip.height);
    if (first === null) return "none";
    chain.clearProposals();
    this.#verifyAhead(first);
    const run = await this.#beginRun(first);
    if (!(run instanceof SyncedRun)) return this.#judge(first, run);
    while (run.isOpen) {
      const next = sync.takeNext(run.tip.height);
      if (next === null) break;
      const height = run.tip.height + 1n;
      if (await this.#append(run, next, run.tip.proof) === StatusCode.Success) continue;
      sync.putBack(height, next);
      break;
    }
    const code = await run.commit();
    if (code === StatusCode.Success) return this.#judge(first, code);
    // the first is put back by the judgement
    for (const [height, synced] of run.blocks.slice(1)) sync.putBack(height, synced);
    return this.#judge(first, code);
  }

  /** What follows from the code of the next block. */
  #judge(synced: SyncedBlock, code: StatusCode): ApplyOutcome {
    const { sync, chain, env } = this.#node;
    const before = this.#trouble;
    this.#trouble = isLocalTrouble(code) ? code : null;
    if (code === StatusCode.Success) return "applied";
    if (this.#trouble !== null) {
      if (code !== before) env.log.warn(`sync block error: ${statusName(code)}`);
      sync.putBack(chain.tip.height + 1n, synced);
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

  /** A run with the block after the tip, which may come with another proof of the tip. */
  async #beginRun(first: SyncedBlock): Promise<SyncedRun | StatusCode> {
    const { chain } = this.#node;
    const preProof = this.#proofFrom(first.sender) ?? chain.tip.proof;
    const tipProven = await checkTipProof(this.#node, preProof);
    if (tipProven !== StatusCode.Success) return tipProven;
    const run = new SyncedRun(this.#node);
    const checked = await this.#check(run, first, preProof);
    if (checked !== StatusCode.Success) return checked;
    const replaced = await storeTipProof(this.#node, preProof);
    if (replaced !== StatusCode.Success) return replaced;
    const added = await run.add(first);
    return added === StatusCode.Success ? run : added;
  }

  async #append(run: SyncedRun, next: SyncedBlock, preProof: Bytes): Promise<StatusCode> {
    const code = await this.#check(run, next, preProof);
    return code === StatusCode.Success ? await run.add(next) : code;
  }

  /** 16.6, steps 1 to 6, for the block after those of a run. */
  async #check(run: SyncedRun, { block }: SyncedBlock, preProof: Bytes): Promise<StatusCode> {
    const { env, hash } = this.#node;
    const { header, body, proof } = block;
    if (header === undefined) return StatusCode.NoneBlockHeader;
    if (header.height !== run.tip.height + 1n) return StatusCode.BlockCheckError;
    if (body === undefined) return StatusCode.NoneBlockBody;
    const isNext = equalBytes(header.prevhash, run.tip.hash) && hasTrueRoot(hash, block);
    if (!isNext) return StatusCode.BlockCheckError;
    // the bytes that the proof is about (protocol.md, 13.6)
    const data = encodeProposal({ preStateRoot: run.tip.stateRoot, preProof, block });
    const proposal = { height: header.height, data };
    const proven = await env.ports.consensus.checkBlock({ proposal, proof });
    if (proven !== StatusCode.Success) return proven;
    const { rules } = run;
    for (const raw of body.body) {
      const code = checkFields(raw, rules);
      if (code !== StatusCode.Success) return code;
    }
    return await this.#verify(block);
  }

  /** Has the signatures verified of blocks that are about to be applied: many in one call. */
  #verifyAhead(first: SyncedBlock): void {
    const { sync, chain } = this.#node;
    const ahead = sync.upcoming(chain.tip.height + 1n, VERIFIED_AHEAD_MAX);
    for (const { block } of [first, ...ahead]) this.#verify(block);
  }

  /** A code that lies in this node does not last. */
  async #verify(block: Block): Promise<StatusCode> {
    const known = this.#verified.get(block);
    if (known !== undefined) return await known;
    const verified = this.#parts.admission.verifySynced(block.body?.body ?? []);
    this.#verified.set(block, verified);
    const code = await verified;
    if (isLocalTrouble(code)) this.#verified.delete(block);
    return code;
  }

  /** The proof of the tip in the copy that a peer sent of it. */
  #proofFrom(sender: AddressHex): Bytes | null {
    const { sync, chain, hash } = this.#node;
    const { height, hash: tipHash } = chain.tip;
    const copy = sync.tipOf(sender, height);
    if (copy?.header === undefined) return null;
    return equalBytes(hashBlockHeader(hash, copy.header), tipHash) ? copy.proof : null;
  }
}

/** Blocks beyond the one being applied whose signatures are verified. */
const VERIFIED_AHEAD_MAX = 64;

/** Pause before a block is tried again that a missing neighbour kept from being applied. */
const LOCAL_TROUBLE_PAUSE_MS = 1_000;
