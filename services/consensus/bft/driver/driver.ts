import type { ConsensusConfiguration, ProposalWithProof } from "../../../../proto/gen/common.ts";
import type { NetworkMsg } from "../../../../proto/gen/network.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import type { Clock, Timer } from "../../../../shared/clock/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { StatusCode, statusFromWire } from "../../../../shared/status/mod.ts";
import type { ControllerPort } from "../../controller_port.ts";
import type { NetworkPort } from "../../network_port.ts";
import type { Consensus } from "../../service.ts";
import type { BftCore } from "../core/core.ts";
import type { Configuration, Effect, Input, TimerEvent } from "../core/interface.ts";
import type { KmsPort } from "../kms_port.ts";
import type { AuthorityStore } from "../wal/authority_file.ts";
import type { WriteAheadLog } from "../wal/open_log.ts";
import { untilWritten } from "./until_written.ts";

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

/** Messages of others that wait to be looked at; further ones are lost, as on a bad line. */
const MESSAGES_WAITING_MAX = 4_096;

/**
 * Runs the state machine: one input at a time, its effects in their order, what goes to disk being
 * there before anything after it happens. Calls to other services go on meanwhile, their answers
 * are inputs. While the disk is full everything waits; one that fails otherwise ends the process:
 * going on could mean voting twice.
 */
export class BftDriver implements Consensus {
  readonly #parts: DriverParts;
  readonly #queue: Input[] = [];
  readonly #timers = new Map<string, Timer>();
  readonly #answers = new Map<number, (code: StatusCode) => void>();
  readonly #firstConfiguration = Promise.withResolvers<void>();
  #messagesWaiting = 0;
  #lastId = 0;
  readonly #stopping = new AbortController();
  #isBusy = false;
  #isDiskFull = false;
  /** Resolves when the queue is empty; rejects when a write failed. */
  #idle: Promise<void> = Promise.resolve();

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  /** Resolves when the controller was first asked for its configuration, and told it or not. */
  get firstConfiguration(): Promise<void> {
    return this.#firstConfiguration.promise;
  }

  /** Queues an input. */
  post(input: Input): void {
    if (this.#stopping.signal.aborted) return;
    this.#queue.push(input);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#idle = this.#run();
  }

  reconfigure(configuration: ConsensusConfiguration): void {
    this.post({ kind: "reconfigure", configuration: configurationOf(configuration) });
  }

  checkBlock({ proposal, proof }: ProposalWithProof): Promise<StatusCode> {
    // whole blocks, asked about again and again, must not pile up
    if (this.#isDiskFull) return Promise.resolve(StatusCode.ConsensusServerNotReady);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.post({ kind: "checkBlock", id, proposal, proof });
    });
  }

  deliver({ type, origin, msg }: NetworkMsg): void {
    if (this.#messagesWaiting >= MESSAGES_WAITING_MAX) {
      this.#parts.log.warn(`drop a ${type}: too many messages wait`);
      return;
    }
    this.#messagesWaiting++;
    this.post({ kind: "message", type, origin, body: msg });
  }

  /** Takes no more inputs, and resolves when the one at hand is done. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#queue.length = 0;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#idle;
  }

  async #run(): Promise<void> {
    const { core, clock } = this.#parts;
    // an input without effects ends the loop at once: post() must have kept this promise before
    await Promise.resolve();
    for (let input = this.#queue.shift(); input !== undefined; input = this.#queue.shift()) {
      if (input.kind === "message") this.#messagesWaiting--;
      for (const effect of core.step(input, clock.monotonicMs())) {
        if (!isWrite(effect)) this.#perform(effect);
        else if (!(await this.#writeDown(effect))) return;
      }
    }
    this.#isBusy = false;
  }

  /** False when the driver was stopped before there was room: what follows must not happen. */
  async #writeDown(effect: Write): Promise<boolean> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    const onFull = () => {
      this.#isDiskFull = true;
    };
    const options = { clock, log, signal, onFull };
    const isWritten = await untilWritten(() => this.#write(effect), options);
    this.#isDiskFull = false;
    return isWritten;
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

  #perform(effect: Exclude<Effect, Write>): void {
    const { network, log } = this.#parts;
    switch (effect.kind) {
      case "broadcast":
        return network.send({ ...effect, origin: 0n });
      case "send":
        return network.send(effect);
      case "setTimer":
        return this.#setTimer(effect.event, effect.delayMs);
      case "cancelStepTimer":
        return this.#timers.get("step")?.cancel();
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
        return this.#postLater(this.#sign(effect));
      case "getProposal":
        return this.#postLater(this.#getProposal());
      case "checkProposal":
        return this.#postLater(this.#checkProposal(effect));
      case "commit":
        return this.#postLater(this.#commit(effect));
      case "queryConfiguration":
        return this.#postLater(this.#queryConfiguration());
      default:
        return unreachable(effect);
    }
  }

  #postLater(answer: Promise<Input>): void {
    void answer.then((input) => {
      this.post(input);
      if (input.kind === "configuration") this.#firstConfiguration.resolve();
    });
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

  async #queryConfiguration(): Promise<Input> {
    const answer = await this.#parts.controller.queryConfiguration();
    const configuration = answer === null ? null : configurationOf(answer);
    return { kind: "configuration", configuration };
  }

  #setTimer(event: TimerEvent, delayMs: number): void {
    const key = event.kind === "step" ? event.kind : event.what;
    this.#timers.get(key)?.cancel();
    if (this.#stopping.signal.aborted) return;
    const fire = () => this.post({ kind: "timer", event });
    this.#timers.set(key, this.#parts.clock.setTimer(delayMs, fire));
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
