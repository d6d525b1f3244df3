import type { Block } from "../../../proto/gen/blockchain.ts";
import {
  type BFTProposal,
  type ConsensusConfiguration,
  type Proposal,
  ProposalEnum,
} from "../../../proto/gen/common.ts";
import { encodeBlock, hashBlockHeader, wrapProposal } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes, to0xHex, toHex } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { assembleBlock, hasTrueRoot, transactionKeys } from "../chain/mod.ts";
import type { Admission } from "./admission.ts";
import { finalise } from "./finalise.ts";
import type { Gossip } from "./gossip.ts";
import { NextBody } from "./next_body.ts";
import { consensusConfig, type Node } from "./node.ts";
import type { Syncer } from "./syncer.ts";
import { checkTipProof } from "./tip_proof.ts";

/** A consensus that knows no height asks with this one for the configuration (6.7). */
const QUERY_HEIGHT = 0xffff_ffff_ffff_ffffn;

/** A proposal to decide on, or the reason why there is none. */
export interface ProposalOutcome {
  /** 0, or 109 beside a proposal without transactions. */
  readonly code: StatusCode;
  readonly proposal: Proposal | undefined;
}

/** Outcome of a commit, with the configuration to go on with. */
export interface CommitOutcome {
  readonly code: StatusCode;
  readonly config: ConsensusConfiguration;
}

/** The bytes are a proposal. */
interface Accepted {
  readonly code: typeof StatusCode.Success;
  readonly proposal: BFTProposal;
  /** The body as this node encoded it; null for a proposal that another node made. */
  readonly encodedBody: Bytes | null;
}

/** What a proposal's bytes are, or the code that refuses them. */
type Decoded =
  | Accepted
  | { readonly code: Exclude<StatusCode, typeof StatusCode.Success> };

/** Collaborators of {@linkcode Proposals}. */
export interface ProposalParts {
  readonly admission: Admission;
  readonly gossip: Gossip;
  readonly syncer: Syncer;
}

/** Makes, checks and commits blocks for consensus (spec/controller.md, 10). */
export class Proposals {
  readonly #node: Node;
  readonly #parts: ProposalParts;
  /** Checks in progress by block hash: consensus may ask twice. */
  readonly #checks = new Map<string, Promise<StatusCode>>();
  /** The last decoded proposal: a block is checked and then committed with the same bytes. */
  readonly #nextBody: NextBody;
  #lastDecoded: { readonly data: Bytes; readonly decoded: Decoded } | null = null;

  constructor(node: Node, parts: ProposalParts) {
    this.#node = node;
    this.#parts = parts;
    this.#nextBody = new NextBody(node);
  }

  /** A fresh proposal for the next height (10.1). */
  async getProposal(): Promise<ProposalOutcome> {
    if (this.#node.sync.isSyncing && this.#isWaiting()) {
      return { code: StatusCode.NodeInSyncMode, proposal: undefined };
    }
    return await this.#node.lock.run(() => Promise.resolve(this.#propose()));
  }

  /** Whether blocks of peers may be expected; who claims to have some may lie. */
  #isWaiting(): boolean {
    const { sync, chain, env } = this.#node;
    return !sync.hasWaited(chain.tip.height, env.clock.monotonicMs());
  }

  #propose(): ProposalOutcome {
    const { chain, sync, pool, env, settings } = this.#node;
    const { tip } = chain;
    const isBehind = (sync.target?.status.height ?? 0n) > tip.height;
    if (isBehind && !chain.hasCandidates && this.#isWaiting()) {
      return { code: StatusCode.NodeInSyncMode, proposal: undefined };
    }
    env.log.info(`add_proposal: tx poll len ${pool.count}`);
    const body = this.#nextBody.take();
    const nowMs = BigInt(Math.floor(env.clock.nowMs()));
    const block = assembleBlock({ tip, proposer: settings.nodeAddress, nowMs, body });
    const blockHash = this.#hashOf(block);
    chain.addOwnProposal(blockHash);
    const height = tip.height + 1n;
    env.log.info(
      `proposal ${height} block_hash ${to0xHex(blockHash)} prevhash ${to0xHex(tip.hash)}`,
    );
    const parts = { preStateRoot: tip.stateRoot, preProof: tip.proof };
    const data = wrapProposal({ ...parts, encodedBlock: encodeBlock(block, body.encoded) });
    const proposal = { ...parts, proposal: block };
    const decoded = { code: StatusCode.Success, proposal, encodedBody: body.encoded };
    this.#lastDecoded = { data, decoded };
    const code = body.transactions.length > 0 ? StatusCode.Success : StatusCode.NoTransaction;
    return { code, proposal: { height, data } };
  }

  #hashOf(block: Block): Bytes {
    return block.header === undefined
      ? new Uint8Array()
      : hashBlockHeader(this.#node.hash, block.header);
  }

  /** Whether a proposal of another node may be decided (10.2). */
  async checkProposal({ height, data }: Proposal): Promise<StatusCode> {
    const decoded = this.#decode(data);
    if (decoded.code === StatusCode.DecodeError) return decoded.code;
    return await this.#node.lock.run(() => Promise.resolve(this.#judge(height, decoded)))
      .then((verdict) => verdict());
  }

  /** The first half, under the lock; the returned second half verifies the body without it. */
  #judge(height: bigint, decoded: Decoded): () => Promise<StatusCode> {
    const { chain, env } = this.#node;
    const refuse = (code: StatusCode) => () => Promise.resolve(code);
    const outOfTurn = this.#checkTurn(height);
    if (outOfTurn !== StatusCode.Success) return refuse(outOfTurn);
    if (decoded.code !== StatusCode.Success) return refuse(decoded.code);
    const { proposal } = decoded;
    if (!equalBytes(proposal.preStateRoot, chain.tip.stateRoot)) {
      return refuse(this.#refuseBase(proposal));
    }
    if (!chain.isProofOfTip(proposal.preProof)) {
      return () => this.#checkOtherProof(height, decoded);
    }
    const block = proposal.proposal;
    if (block === undefined) return refuse(StatusCode.NoneProposal);
    if (block.header === undefined) return refuse(StatusCode.NoneBlockHeader);
    // nobody who fetches the block later could tell that the proof is about this one
    if (block.proof.length > 0) return refuse(StatusCode.ProposalCheckError);
    const hash = this.#hashOf(block);
    if (chain.isOwnProposal(hash)) {
      env.log.info("the proposal is own");
      return refuse(StatusCode.Success);
    }
    const turn = chain.checkHeight(block.header.height);
    if (turn !== StatusCode.Success) return refuse(turn);
    if (chain.isCandidate(hash)) return refuse(StatusCode.Success);
    // such a block could be decided but never committed
    if (!chain.isOnTip(block)) return refuse(StatusCode.ProposalCheckError);
    return () => this.#checkBlockOnce(block, hash);
  }

  /**
   * A proposal on the tip that names another proof of it. Consensus is asked without the lock: it
   * may be waiting for this node itself.
   */
  async #checkOtherProof(height: bigint, decoded: Accepted): Promise<StatusCode> {
    const { chain, lock } = this.#node;
    const { proposal } = decoded;
    const block = proposal.proposal;
    if (block === undefined || !chain.isOnTip(block)) return this.#refuseBase(proposal);
    const code = await checkTipProof(this.#node, proposal.preProof);
    if (code === StatusCode.ProposalCheckError) return this.#refuseBase(proposal);
    if (code !== StatusCode.Success) return code;
    return await lock.run(() => Promise.resolve(this.#judge(height, decoded)))
      .then((verdict) => verdict());
  }

  /** The proposal builds on another state than this node has, or on a proof that is none. */
  #refuseBase({ preStateRoot, preProof }: BFTProposal): StatusCode {
    const { chain, env } = this.#node;
    env.log.warn("check_proposal failed!", {
      preStateRoot: to0xHex(preStateRoot),
      preProof: to0xHex(preProof),
      ownStateRoot: to0xHex(chain.tip.stateRoot),
      ownProof: to0xHex(chain.tip.proof),
    });
    return StatusCode.ProposalCheckError;
  }

  /** 128 and 129; a height that is too high tells that this node is behind. */
  #checkTurn(height: bigint): StatusCode {
    const { chain } = this.#node;
    const code = chain.checkHeight(height);
    if (code === StatusCode.ProposalTooHigh) {
      this.#parts.gossip.multicastStatus();
      chain.clearProposals();
      this.#parts.syncer.trySync();
    }
    return code;
  }

  /** A second call waits for the first: a proposal is accepted only after all of it was checked. */
  #checkBlockOnce(block: Block, hash: Bytes): Promise<StatusCode> {
    const key = toHex(hash);
    const running = this.#checks.get(key);
    if (running !== undefined) return running;
    const check = this.#checkAndRemember(block, hash).finally(() => this.#checks.delete(key));
    this.#checks.set(key, check);
    return check;
  }

  async #checkAndRemember(block: Block, hash: Bytes): Promise<StatusCode> {
    const { chain } = this.#node;
    const height = chain.tip.height + 1n;
    let isAccepted = false;
    chain.beginCheck(hash);
    try {
      const code = await this.#checkBlock(block, hash);
      isAccepted = code === StatusCode.Success;
      return code;
    } finally {
      chain.endCheck(hash, { isAccepted, height });
    }
  }

  async #checkBlock(block: Block, hash: Bytes): Promise<StatusCode> {
    const { env } = this.#node;
    env.log.info(`chain_check_proposal: add remote proposal(${to0xHex(hash)})`);
    if (block.body === undefined) return StatusCode.NoneBlockBody;
    if (!hasTrueRoot(this.#node.hash, block) || hasDuplicates(block)) {
      return StatusCode.ProposalCheckError;
    }
    const code = await this.#parts.admission.admitProposed(block.body.body);
    if (code !== StatusCode.Success) return code;
    env.log.info("chain_check_proposal: finished");
    return StatusCode.Success;
  }

  /** Executes and stores a decided block (10.3). Committing a committed height changes nothing. */
  async commitBlock(proposal: Proposal, proof: Bytes): Promise<CommitOutcome> {
    const { lock, chain } = this.#node;
    const { height } = proposal;
    if (height === QUERY_HEIGHT) return this.#outcome(StatusCode.Success, chain.tip.height);
    return await lock.run(async () => {
      if (chain.tip.height >= height) return this.#outcome(StatusCode.Success, height);
      return this.#outcome(await this.#commit(proposal, proof), height);
    });
  }

  #outcome(code: StatusCode, height: bigint): CommitOutcome {
    return { code, config: consensusConfig(this.#node, height) };
  }

  async #commit({ height, data }: Proposal, proof: Bytes): Promise<StatusCode> {
    const { chain, env } = this.#node;
    const outOfTurn = this.#checkTurn(height);
    if (outOfTurn !== StatusCode.Success) return outOfTurn;
    const decoded = this.#decode(data);
    if (decoded.code !== StatusCode.Success) return decoded.code;
    const { proposal: { preProof, proposal: proposed }, encodedBody } = decoded;
    if (proposed === undefined) return StatusCode.NoForkTree;
    if (proposed.header === undefined) return StatusCode.NoneBlockHeader;
    const block = { ...proposed, proof };
    if (proposed.header.height !== height || !chain.isOnTip(block)) {
      return StatusCode.ProposalCheckError;
    }
    const hash = this.#hashOf(block);
    env.log.info(`height: ${height} hash ${to0xHex(hash)}`);
    const code = await finalise(this.#node, {
      source: "consensus",
      block,
      hash,
      preProof,
      ...encodedBody !== null && { encoded: encodeBlock(block, encodedBody) },
      onExecuting: () => void this.#nextBody.prepare(block, hash),
    });
    if (code !== StatusCode.Success) return code;
    this.#lastDecoded = null;
    this.#parts.gossip.multicastStatus();
    this.#parts.syncer.trySync();
    return StatusCode.Success;
  }

  #decode(data: Bytes): Decoded {
    const last = this.#lastDecoded;
    if (last !== null && equalBytes(last.data, data)) return last.decoded;
    const decoded = decodeData(data);
    this.#lastDecoded = { data, decoded };
    return decoded;
  }
}

function decodeData(data: Bytes): Decoded {
  const message = tryDecode(ProposalEnum, data);
  if (message === null) return { code: StatusCode.DecodeError };
  if (message.proposal === undefined) return { code: StatusCode.NoneProposal };
  return { code: StatusCode.Success, proposal: message.proposal.value, encodedBody: null };
}

/** Executing a transaction twice would be a replay; the reference does not look. */
function hasDuplicates(block: Block): boolean {
  const keys = transactionKeys(block);
  return keys !== null && new Set(keys).size !== keys.length;
}
