import type { ConsensusConfiguration, Proposal } from "../../../../proto/gen/common.ts";
import type { NetworkMsg } from "../../../../proto/gen/network.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { Clock } from "../../../../shared/clock/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import type { ControllerPort } from "../../controller_port.ts";
import { MachineLoop } from "../../machine_loop.ts";
import { MessageBudget } from "../../message_budget.ts";
import type { Consensus } from "../../service.ts";
import type { RaftLogFile } from "../log/raft_log_file.ts";
import type { Effect, Input } from "../node/interface.ts";
import type { RaftNode } from "../node/node.ts";
import type { Mail } from "./mail.ts";

/** What a driver works with. */
export interface DriverParts {
  readonly node: RaftNode;
  readonly controller: ControllerPort;
  readonly mail: Mail;
  readonly file: Pick<RaftLogFile, "state" | "append" | "compactIfLarge">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Effects that have to be on disk before anything after them happens. */
type Write = Extract<Effect, { kind: "persist" | "compact" }>;

/** Everything else. */
type Action = Exclude<Effect, Write>;

function isWrite(effect: Effect): effect is Write {
  return effect.kind === "persist" || effect.kind === "compact";
}

/** Messages of others that wait to be looked at: of one node, all that raft has under way. */
const MESSAGES_WAITING_MAX = 512;

/** Runs the state machine of a node. */
export class RaftDriver implements Consensus {
  readonly #parts: DriverParts;
  readonly #loop: MachineLoop<Input, Action, Write>;
  readonly #budget: MessageBudget;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.#loop = new MachineLoop<Input, Action, Write>({
      clock,
      log,
      step: (input, nowMs) => this.#step(input, nowMs),
      isWrite,
      write: (effect) => this.#write(effect),
      perform: (effect) => this.#perform(effect),
    });
    const isDiskFull = () => this.#loop.isDiskFull;
    this.#budget = new MessageBudget({ countMax: MESSAGES_WAITING_MAX, clock, log, isDiskFull });
  }

  /** Messages of others that were not looked at. */
  get droppedMessages(): number {
    return this.#budget.dropped;
  }

  /** Begins with what is on disk. */
  start(): void {
    this.#loop.post({ kind: "start", state: this.#parts.file.state });
  }

  reconfigure(configuration: ConsensusConfiguration): void {
    this.#loop.postLatest({ kind: "reconfigure", configuration });
  }

  /** Blocks carry no proof (spec/consensus.md, section 9.4). */
  checkBlock(): Promise<StatusCode> {
    return Promise.resolve(StatusCode.Success);
  }

  deliver(networkMsg: NetworkMsg): void {
    const message = this.#parts.mail.receive(networkMsg);
    if (message === null || !this.#budget.admit(networkMsg.origin, networkMsg.msg.length)) return;
    this.#loop.post({ kind: "message", message });
  }

  /** Takes no more inputs, and resolves when the one at hand is done. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #step(input: Input, nowMs: number): readonly Effect[] {
    if (input.kind === "message") this.#budget.release();
    if (input.kind === "timer" && input.name === "tick") this.#parts.mail.tick();
    return this.#parts.node.step(input, nowMs);
  }

  #write(effect: Write): Promise<void> {
    const { file } = this.#parts;
    return effect.kind === "persist" ? file.append(effect.operations) : file.compactIfLarge();
  }

  #perform(effect: Action): void {
    const { mail, log } = this.#parts;
    switch (effect.kind) {
      case "send":
        return mail.send(effect.message);
      case "setTimer": {
        const { name, delayMs } = effect;
        return this.#loop.postAfter(name, delayMs, { kind: "timer", name });
      }
      case "log":
        return log[effect.level](effect.text);
      case "getProposal":
        return void this.#loop.postWhenReady(this.#getProposal());
      case "checkProposal":
        return void this.#loop.postWhenReady(this.#checkProposal(effect.proposal));
      case "commit":
        return void this.#loop.postWhenReady(this.#commit(effect.proposal));
      case "queryConfiguration":
        return void this.#loop.postWhenReady(this.#queryConfiguration());
      default:
        return unreachable(effect);
    }
  }

  async #getProposal(): Promise<Input> {
    const { value, reason } = await this.#parts.controller.getProposal();
    return { kind: "proposal", proposal: value, reason };
  }

  async #checkProposal(proposal: Proposal): Promise<Input> {
    return { kind: "checked", code: await this.#parts.controller.checkProposal(proposal) };
  }

  async #commit(proposal: Proposal): Promise<Input> {
    const { value, reason } = await this.#parts.controller.commitBlock(proposal, EMPTY_BYTES);
    return { kind: "committed", configuration: value, reason };
  }

  async #queryConfiguration(): Promise<Input> {
    const configuration = await this.#parts.controller.queryConfiguration();
    return { kind: "configuration", configuration };
  }
}
