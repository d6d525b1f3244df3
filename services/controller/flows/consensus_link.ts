import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { SystemConfig } from "../system_config/mod.ts";
import { consensusConfig, type Node } from "./node.ts";
import { type RetryOptions, StoppedError, untilReady, warnOfChange } from "./retry.ts";

/** Keeps consensus informed of the height and configuration to work with. */
export class ConsensusLink {
  readonly #node: Node;
  readonly #retry: RetryOptions;
  #running: Promise<void> | null = null;
  /** What consensus works with; null when it was told nothing since it may have been restarted. */
  #told: SystemConfig | null = null;

  constructor(node: Node, retry: RetryOptions) {
    this.#node = node;
    this.#retry = retry;
  }

  /**
   * Whether consensus has the configuration in force: what it answers to a proof depends on the
   * validators, not on the height (spec/consensus.md, 5.2).
   */
  get isInformed(): boolean {
    return this.#told === this.#node.systemConfig;
  }

  /** Consensus went away or was restarted. */
  lost(): void {
    this.#told = null;
    this.reconfigureSoon();
  }

  /** Resolves once consensus has the configuration in force. */
  async inform(): Promise<void> {
    while (!this.isInformed) await (this.#running ?? this.reconfigure());
  }

  /**
   * Tells consensus where the chain stands, trying until it takes it. Needed at the start, after
   * every synced block, and whenever consensus was restarted: it forgets what it was told.
   */
  async reconfigure(): Promise<void> {
    // one that is under way may have been asked with an older height
    if (this.#running !== null) await this.#running;
    this.#running ??= this.#reconfigure().finally(() => this.#running = null);
    await this.#running;
  }

  async #reconfigure(): Promise<void> {
    const { chain, env } = this.#node;
    const warn = warnOfChange(env.log);
    await untilReady(async () => {
      const { systemConfig } = this.#node;
      const config = consensusConfig(this.#node, chain.tip.height);
      const code = await env.ports.consensus.reconfigure(config);
      if (code === StatusCode.Success) {
        this.#told = systemConfig;
        return true;
      }
      warn(`reconfigure consensus failed(${statusName(code)})! Retrying`);
      return null;
    }, this.#retry);
    env.log.info("reconfigure consensus success!");
  }

  /** As {@linkcode ConsensusLink.reconfigure} without waiting for it. */
  reconfigureSoon(): void {
    this.reconfigure().catch((error) => {
      if (!(error instanceof StoppedError)) throw error;
    });
  }
}
