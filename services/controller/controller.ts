import type { RawTransaction } from "../../proto/gen/blockchain.ts";
import type { NodeNetInfo, Proposal } from "../../proto/gen/common.ts";
import type { NetworkMsg } from "../../proto/gen/network.ts";
import { rawTransactionHash } from "../../shared/block/mod.ts";
import { type Bytes, to0xHex } from "../../shared/bytes/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { Admission } from "./flows/admission.ts";
import { BlockServer } from "./flows/block_server.ts";
import { ConsensusLink } from "./flows/consensus_link.ts";
import { Forwarder } from "./flows/forwarder.ts";
import { Gossip } from "./flows/gossip.ts";
import { keepJournal } from "./flows/keep_journal.ts";
import type { Environment, Node, Settings } from "./flows/node.ts";
import { PeerMessages } from "./flows/peer_messages.ts";
import { PoolJournal } from "./flows/pool_journal.ts";
import { type CommitOutcome, type ProposalOutcome, Proposals } from "./flows/proposals.ts";
import { Queries } from "./flows/queries.ts";
import { type RetryOptions, StoppedError } from "./flows/retry.ts";
import { StallWatch } from "./flows/stall_watch.ts";
import { startNode } from "./flows/startup.ts";
import { Syncer } from "./flows/syncer.ts";
import { Upkeep } from "./flows/upkeep.ts";
import { SignatureVerifier } from "./flows/verifier.ts";

/** Outcome of a transaction or batch that a user sends. */
export interface SendOutcome {
  readonly code: StatusCode;
  readonly hashes: readonly Bytes[];
}

/**
 * A controller without its sockets: everything outside comes in through the environment, so tests
 * and the simulator run as many as they like in one process.
 */
export class Controller {
  readonly node: Node;
  readonly queries: Queries;
  /** Knows why no block is being made. */
  readonly stallWatch: StallWatch;
  /** Checks signatures, for transactions from everywhere. */
  readonly verifier: SignatureVerifier;
  readonly #admission: Admission;
  readonly #consensus: ConsensusLink;
  readonly #forwarder: Forwarder;
  readonly #gossip: Gossip;
  readonly #journal: PoolJournal;
  readonly #peerMessages: PeerMessages;
  readonly #proposals: Proposals;
  readonly #retry: RetryOptions;
  readonly #upkeep: Upkeep;

  private constructor(node: Node) {
    this.node = node;
    const { clock, signal, ports } = node.env;
    this.#retry = { clock, signal, delayMaxMs: node.settings.retryIntervalMs };
    const gossip = new Gossip(node);
    const consensus = new ConsensusLink(node, this.#retry);
    this.verifier = new SignatureVerifier(ports.kms);
    this.#journal = new PoolJournal(node);
    const admission = new Admission(node, { verifier: this.verifier, journal: this.#journal });
    const syncer = new Syncer(node, { admission, gossip, consensus });
    const blockServer = new BlockServer(node, gossip);
    this.queries = new Queries(node);
    this.#admission = admission;
    this.#consensus = consensus;
    this.#forwarder = new Forwarder(node, gossip);
    this.#gossip = gossip;
    this.#peerMessages = new PeerMessages(node, { admission, gossip, syncer, blockServer });
    this.#proposals = new Proposals(node, { admission, gossip, syncer });
    this.stallWatch = new StallWatch(node, syncer);
    const { stallWatch } = this;
    const forwarder = this.#forwarder;
    this.#upkeep = new Upkeep(node, { gossip, syncer, consensus, stallWatch, forwarder });
  }

  /** Resolves when the chain is loaded and calls can be served. */
  static async start(settings: Settings, env: Environment): Promise<Controller> {
    return new Controller(await startNode(settings, env));
  }

  /** Tells consensus and peers that the node is there, and looks after it until it is stopped. */
  async run(): Promise<void> {
    try {
      await Promise.all([
        this.#consensus.reconfigure(),
        this.#upkeep.run(),
        keepJournal(this.node, {
          journal: this.#journal,
          admission: this.#admission,
          forwarder: this.#forwarder,
          retry: this.#retry,
        }),
      ]);
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
    }
  }

  /** Resolves when a block that is being stored is stored. */
  async stop(): Promise<void> {
    this.#forwarder.stop();
    await this.node.lock.idle();
  }

  /** The consensus service went away or was restarted. */
  consensusLost(): void {
    this.#consensus.lost();
  }

  /** The network service went away or was restarted. */
  networkLost(): void {
    this.#upkeep.networkLost();
  }

  /** A transaction of a user (8.1). */
  async send(raw: RawTransaction): Promise<SendOutcome> {
    const code = await this.#admission.admitSingle(raw);
    this.node.activity.transactionsSent(code, 1);
    const hash = rawTransactionHash(raw);
    if (code === StatusCode.DupTransaction && hash !== null) {
      this.node.env.log.info(`rpc_send_raw_transaction: found dup tx(${to0xHex(hash)}) in pool`);
    }
    if (code !== StatusCode.Success || hash === null) return { code, hashes: [] };
    this.#forwarder.forward(raw);
    return { code, hashes: [hash] };
  }

  /** Transactions of a user, all or none (8.2). */
  async sendBatch(raws: readonly RawTransaction[]): Promise<SendOutcome> {
    const { code, added } = await this.#admission.admitBatch(raws);
    this.node.activity.transactionsSent(code, raws.length);
    if (code === StatusCode.Success) this.#forwarder.forwardAll(raws);
    return { code, hashes: added };
  }

  /** Connects to another node, and introduces this one when there was time to connect. */
  async addNode(info: NodeNetInfo): Promise<StatusCode> {
    const { env, settings } = this.node;
    const code = await env.ports.network.addNode(info);
    if (code === StatusCode.Success || code === StatusCode.AddExistedPeer) {
      env.clock.sleep(settings.retryIntervalMs, env.signal)
        .then(() => env.signal.aborted ? undefined : this.#gossip.introduceToAll());
    }
    return code;
  }

  async getProposal(): Promise<ProposalOutcome> {
    const outcome = await this.#proposals.getProposal();
    this.node.activity.consensusCalled("get_proposal", outcome.code);
    return outcome;
  }

  async checkProposal(proposal: Proposal): Promise<StatusCode> {
    const code = await this.#proposals.checkProposal(proposal);
    this.node.activity.consensusCalled("check_proposal", code);
    return code;
  }

  async commitBlock(proposal: Proposal, proof: Bytes): Promise<CommitOutcome> {
    const outcome = await this.#proposals.commitBlock(proposal, proof);
    this.node.activity.consensusCalled("commit_block", outcome.code);
    return outcome;
  }

  async processNetworkMsg(message: NetworkMsg): Promise<StatusCode> {
    const code = await this.#peerMessages.process(message);
    this.node.activity.messageReceived(message.type, code);
    return code;
  }
}
