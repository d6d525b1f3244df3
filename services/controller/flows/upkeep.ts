import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { ConsensusLink } from "./consensus_link.ts";
import type { Forwarder } from "./forwarder.ts";
import type { Gossip } from "./gossip.ts";
import type { Node } from "./node.ts";
import { patienceMs, type StallWatch } from "./stall_watch.ts";
import type { Syncer } from "./syncer.ts";

/** Collaborators of {@linkcode Upkeep}. */
export interface UpkeepParts {
  readonly gossip: Gossip;
  readonly syncer: Syncer;
  readonly consensus: ConsensusLink;
  readonly stallWatch: StallWatch;
  readonly forwarder: Forwarder;
}

/** How often lost sync requests are looked for. */
const SYNC_TICK_MS = 1_000;

/** How often transactions are looked for that peers may not know. */
const REMIND_TICK_MS = 1_000;

/** How often it is looked whether blocks come. */
const STALL_TICK_MS = 1_000;

/** A chain that stands still is looked after at most that many check intervals apart. */
const PAUSE_INTERVALS_MAX = 64;

/** What a node does from time to time: nobody asks for it, everything heals by it. */
export class Upkeep {
  readonly #node: Node;
  readonly #parts: UpkeepParts;
  #isRegistered = true;
  #knownSessions: ReadonlySet<bigint> = new Set();

  constructor(node: Node, parts: UpkeepParts) {
    this.#node = node;
    this.#parts = parts;
  }

  /** Runs until the node is asked to stop. */
  async run(): Promise<void> {
    const { settings } = this.#node;
    await Promise.all([
      this.#every(settings.introductionIntervalMs, () => this.#introduceToAll(), true),
      this.#every(settings.retryIntervalMs, () => this.watchNetwork()),
      this.#every(SYNC_TICK_MS, () => this.#parts.syncer.expireRequests()),
      this.#every(REMIND_TICK_MS, () => this.#parts.forwarder.remind()),
      this.#every(STALL_TICK_MS, () => this.#parts.stallWatch.look()),
      this.#watchGrowth(),
    ]);
  }

  async #every(
    periodMs: number,
    task: () => void | Promise<void>,
    isDueAtOnce = false,
  ): Promise<void> {
    const { clock, signal } = this.#node.env;
    if (isDueAtOnce) await task();
    while (!signal.aborted) {
      await clock.sleep(periodMs, signal);
      if (!signal.aborted) await task();
    }
  }

  async #introduceToAll(): Promise<void> {
    const sessions = await this.#node.env.ports.network.peersNetInfo();
    if (sessions !== null) this.#knownSessions = new Set(sessions.map(({ origin }) => origin));
    await this.#parts.gossip.introduceToAll();
  }

  /** The network service was restarted: it has forgotten who wants its messages. */
  networkLost(): void {
    this.#isRegistered = false;
  }

  /** Registers again when needed, and introduces this node to sessions that are new. */
  async watchNetwork(): Promise<void> {
    const { env, peers } = this.#node;
    if (!this.#isRegistered) {
      const code = await env.ports.network.register();
      if (code !== StatusCode.Success) {
        env.log.warn(`register network msg handler failed(${statusName(code)})! Retrying`);
        return;
      }
      this.#isRegistered = true;
      env.log.info("register network msg handler success!");
    }
    const sessions = await env.ports.network.peersNetInfo();
    if (sessions === null) {
      this.#isRegistered = false;
      return;
    }
    const live = new Set(sessions.map(({ origin }) => origin));
    peers.retainSessions(live);
    for (const origin of live) {
      // sessions that came and went unseen are learned of by chain_status_init_req
      if (!this.#knownSessions.has(origin)) await this.#parts.gossip.introduceTo(origin);
    }
    this.#knownSessions = live;
  }

  /**
   * A chain that does not grow may wait for something that got lost: a proposal that consensus gave
   * up, an introduction, what consensus was told (spec/controller.md, 16.5). Checks get rarer while
   * it goes on.
   */
  async #watchGrowth(): Promise<void> {
    const { env, chain, settings } = this.#node;
    let lastHeight = chain.tip.height;
    let grownMs = env.clock.monotonicMs();
    let nextMs = 0;
    let pauseMs = settings.growthCheckIntervalMs;
    await this.#every(settings.growthCheckIntervalMs, async () => {
      const nowMs = env.clock.monotonicMs();
      if (chain.tip.height !== lastHeight) {
        lastHeight = chain.tip.height;
        grownMs = nowMs;
        nextMs = 0;
        pauseMs = settings.growthCheckIntervalMs;
        return;
      }
      if (nowMs < nextMs || nowMs - grownMs < patienceMs(this.#node)) return;
      env.log.warn(`inner block growth check: still at height ${lastHeight}`);
      nextMs = nowMs + pauseMs;
      pauseMs = Math.min(2 * pauseMs, settings.growthCheckIntervalMs * PAUSE_INTERVALS_MAX);
      await this.#unblock();
    });
  }

  async #unblock(): Promise<void> {
    const { chain, sync } = this.#node;
    if ((sync.target?.status.height ?? 0n) > chain.tip.height) chain.clearProposals();
    sync.reset();
    this.#isRegistered = false;
    await this.watchNetwork();
    await this.#introduceToAll();
    this.#parts.consensus.reconfigureSoon();
    this.#parts.syncer.trySync();
  }
}
