import type { ConsensusConfiguration, ProposalWithProof } from "../../../../proto/gen/common.ts";
import type { NetworkMsg } from "../../../../proto/gen/network.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import type { Clock } from "../../../../shared/clock/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { StatusCode, statusFromWire } from "../../../../shared/status/mod.ts";
import type { ControllerPort } from "../../controller_port.ts";
import { MachineLoop } from "../../machine_loop.ts";
import { MessageBudget } from "../../message_budget.ts";
import type { NetworkPort } from "../../network_port.ts";
import type { Consensus } from "../../service.ts";
import type { BftCore } from "../core/core.ts";
import type { Configuration, Effect, Input, TimerEvent } from "../core/interface.ts";
import type { KmsPort } from "../kms_port.ts";
import type { AuthorityStore } from "../wal/authority_file.ts";
import type { WriteAheadLog } from "../wal/open_log.ts";

/** What a driver works with. */
export interface DriverParts {
  readonly core: BftCore;
  readonly controller: ControllerPort;
  readonly network: NetworkPort;
  readonly kms: Pick<KmsPort, "sign">;
  readonly wal: WriteAheadLog;
  readonly authorityStore: AuthorityStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Effects that have to be on disk before anything after them happens. */
type Write = Extract<Effect, { kind: "persist" | "setHeight" | "eraseLog" | "saveAuthorities" }>;

/** Calls of other services; their answers are inputs. */
type Call = Extract<
  Effect,
  { kind: "sign" | "getProposal" | "checkProposal" | "commit" | "queryConfiguration" }
>;

/** Everything else. */
type Action = Exclude<Effect, Write>;

function isWrite(effect: Effect): effect is Write {
  switch (effect.kind) {
    case "persist":
    case "setHeight":
    case "eraseLog":
    case "saveAuthorities":
      return true;
    default:
      return false;
  }
}

/** Messages of others that wait to be looked at. */
const MESSAGES_WAITING_MAX = 4_096;

/** Runs the state machine of a validator. */
export class BftDriver implements Consensus {
  readonly #parts: DriverParts;
  readonly #loop: MachineLoop<Input, Action, Write>;
  readonly #answers = new Map<number, (code: StatusCode) => void>();
  readonly #firstConfiguration = Promise.withResolvers<void>();
  readonly #budget: MessageBudget;
  #lastId = 0;

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

  /** Resolves when the controller was first asked for its configuration, and told it or not. */
  get firstConfiguration(): Promise<void> {
    return this.#firstConfiguration.promise;
  }

  /** Messages of others that were not looked at. */
  get droppedMessages(): number {
    return this.#budget.dropped;
  }

  /** Queues an input. */
  post(input: Input): void {
    this.#loop.post(input);
  }

  reconfigure(configuration: ConsensusConfiguration): void {
    this.#loop.postLatest({ kind: "reconfigure", configuration: configurationOf(configuration) });
  }

  checkBlock({ proposal, proof }: ProposalWithProof): Promise<StatusCode> {
    // whole blocks, asked about again and again, must not pile up
    if (this.#loop.isDiskFull) return Promise.resolve(StatusCode.ConsensusServerNotReady);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.post({ kind: "checkBlock", id, proposal, proof });
    });
  }

  deliver({ type, origin, msg }: NetworkMsg): void {
    if (!this.#budget.admit(origin, msg.length)) return;
    this.post({ kind: "message", type, origin, body: msg });
  }

  /** Takes no more inputs, and resolves when the one at hand is done. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #step(input: Input, nowMs: number): readonly Effect[] {
    if (input.kind === "message") this.#budget.release();
    return this.#parts.core.step(input, nowMs);
  }

  #write(effect: Write): Promise<void> {
    const { wal, authorityStore } = this.#parts;
    switch (effect.kind) {
      case "persist":
        return wal.append(effect.height, effect.records);
      case "setHeight":
        return wal.setHeight(effect.height);
      case "eraseLog":
        return wal.erase();
      case "saveAuthorities":
        return authorityStore.save(effect.authorities);
      default:
        return unreachable(effect);
    }
  }

  #perform(effect: Action): void {
    const { network, log } = this.#parts;
    switch (effect.kind) {
      case "broadcast":
        return network.send({ ...effect, origin: 0n });
      case "send":
        return network.send(effect);
      case "setTimer":
        return this.#setTimer(effect.event, effect.delayMs);
      case "cancelStepTimer":
        return this.#loop.cancel("step");
      case "answer":
        return this.#answer(effect.id, effect.code);
      case "log":
        return log[effect.level](effect.text);
      default:
        return this.#call(effect);
    }
  }

  /** Asks another service; the answer is posted when it comes. */
  #call(effect: Call): void {
    switch (effect.kind) {
      case "sign":
        return void this.#loop.postWhenReady(this.#sign(effect));
      case "getProposal":
        return void this.#loop.postWhenReady(this.#getProposal());
      case "checkProposal":
        return void this.#loop.postWhenReady(this.#checkProposal(effect));
      case "commit":
        return void this.#loop.postWhenReady(this.#commit(effect));
      case "queryConfiguration":
        return void this.#loop.postWhenReady(this.#queryConfiguration(effect))
          .then(this.#firstConfiguration.resolve);
      default:
        return unreachable(effect);
    }
  }

  async #sign({ id, hash }: Extract<Effect, { kind: "sign" }>): Promise<Input> {
    return { kind: "signed", id, signature: await this.#parts.kms.sign(hash) };
  }

  async #getProposal(): Promise<Input> {
    const { value, reason } = await this.#parts.controller.getProposal();
    return { kind: "proposal", proposal: value, reason };
  }

  async #checkProposal(effect: Extract<Effect, { kind: "checkProposal" }>): Promise<Input> {
    const { controller, log } = this.#parts;
    const { height, round, hash, data } = effect;
    log.info(`consensus to controller, CheckProposalReq h: ${height} r: ${round}`);
    const code = await controller.checkProposal({ height, data });
    const verdict = `res ${code === 0} code ${code ?? "none"}`;
    log.info(`recv from controller, CheckProposalRes h: ${height}, r: ${round} ${verdict}`);
    return { kind: "checked", hash, code };
  }

  async #commit(
    { height, data, proof }: Extract<Effect, { kind: "commit" }>,
  ): Promise<Input> {
    const { value, reason } = await this.#parts.controller.commitBlock({ height, data }, proof);
    const configuration = value === null ? null : configurationOf(value);
    return { kind: "committed", height, configuration, reason };
  }

  async #queryConfiguration(
    { id }: Extract<Effect, { kind: "queryConfiguration" }>,
  ): Promise<Input> {
    const answer = await this.#parts.controller.queryConfiguration();
    const configuration = answer === null ? null : configurationOf(answer);
    return { kind: "configuration", id, configuration };
  }

  #setTimer(event: TimerEvent, delayMs: number): void {
    const key = event.kind === "step" ? event.kind : event.what;
    this.#loop.postAfter(key, delayMs, { kind: "timer", event });
  }

  #answer(id: number, code: number): void {
    this.#answers.get(id)?.(statusFromWire(code));
    this.#answers.delete(id);
  }
}

function configurationOf(configuration: ConsensusConfiguration): Configuration {
  const { height, blockInterval, validators } = configuration;
  return { height, blockIntervalSeconds: blockInterval, validators };
}
