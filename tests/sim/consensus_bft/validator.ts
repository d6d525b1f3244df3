import type { Bytes } from "../../../shared/bytes/mod.ts";
import { BftCore } from "../../../services/consensus/bft/core/core.ts";
import type { AddressHex } from "../../../services/consensus/bft/core/bincode.ts";
import type {
  Configuration,
  Effect,
  Input,
  TimerEvent,
} from "../../../services/consensus/bft/core/interface.ts";
import type { TimingOptions } from "../../../services/consensus/bft/core/timing.ts";
import { FAKE_CRYPTO, type FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import type { World } from "../world.ts";
import { NodeClock } from "./node_clock.ts";
import { SimDisk } from "./sim_disk.ts";

/** What a node's surroundings do to it. */
export interface NodeFaults {
  /** Probability of a crash at an effect, in the middle of it when it writes. */
  readonly crashRate: number;
  /** Probability that a call to another service of the node is not answered. */
  readonly callFailureRate: number;
  readonly callMsMax: number;
}

/** How a process will die: at one of its next effects or writes. */
export interface Death {
  readonly at: "effect" | "write";
  /** Effects or writes before it. */
  readonly countdown: number;
  /** Part of what it writes at that moment that is on disk. */
  readonly writtenShare: number;
}

/** Nothing goes wrong. */
export const NO_FAULTS: NodeFaults = { crashRate: 0, callFailureRate: 0, callMsMax: 20 };

/** How a node reaches others. */
export interface NodeLinks {
  broadcast(type: string, body: Bytes): void;
  send(origin: bigint, type: string, body: Bytes): void;
  crashed(): void;
}

/** At once, or when others have answered. */
export type Eventually<Value> = Value | Promise<Value>;

/** The controller beside a validator's consensus. */
export interface ControllerLink {
  getProposal(): Eventually<{ readonly height: bigint; readonly data: Bytes } | null>;
  /** Null when it does not answer. */
  checkProposal(height: bigint, data: Bytes): Eventually<number | null>;
  /** Stores a decided block; the configuration counts when the code is 0. */
  commit(
    height: bigint,
    data: Bytes,
    proof: Bytes,
  ): Eventually<{ readonly code: number; readonly configuration: Configuration }>;
  /** Null when it does not tell. */
  queryConfiguration(): Eventually<Configuration | null>;
}

/** What a validator is made of. */
export interface SimValidatorOptions {
  readonly address: AddressHex;
  readonly world: World;
  readonly timing: TimingOptions;
  readonly controller: ControllerLink;
  readonly signer: FakeSigner;
  readonly links: NodeLinks;
}

/** Log lines that are kept at least. */
const LOG_LINES = 100;

/** A validator's consensus core with everything around it simulated; a driver like the real one. */
export class SimValidator {
  readonly disk = new SimDisk();
  faults: NodeFaults = NO_FAULTS;
  core: BftCore | null = null;
  readonly log: string[] = [];
  /** Changes at each start: answers to a process that is gone go nowhere. */
  #life = 0;
  #death: Death | null = null;
  /** What came while the process stood still; null while it runs. */
  #held: Input[] | null = null;
  readonly #clock: NodeClock;
  readonly #timers = new Map<string, TimerEvent>();

  constructor(readonly options: SimValidatorOptions) {
    this.#clock = new NodeClock(options.world);
  }

  get isAlive(): boolean {
    return this.core !== null;
  }

  start(): void {
    const { address: own, timing } = this.options;
    this.#life++;
    this.core = new BftCore({ own, crypto: FAKE_CRYPTO, timing });
    this.post(this.disk.load());
  }

  crash(): void {
    this.core = null;
    this.#life++;
    this.#held = null;
    this.#timers.clear();
    this.options.links.crashed();
  }

  /** Lets the process die soon; null lets it live. */
  dieAt(death: Death | null): void {
    this.#death = death;
  }

  /** The process stands still: nothing happens until it goes on. */
  pause(): void {
    if (this.isAlive) this.#held ??= [];
  }

  /** It finds everything that came meanwhile, timers that are long over included. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const input of held) this.post(input);
  }

  /** The own clock leaps ahead, then runs at another speed. */
  setClock(speed: number, leapMs: number): void {
    this.#clock.set(speed, leapMs);
  }

  post(input: Input): void {
    const { core } = this;
    if (core === null) return;
    if (this.#held !== null) return void this.#held.push(input);
    for (const effect of core.step(input, this.#clock.nowMs)) {
      if (this.#diesAt(effect)) return this.#crashAt(effect);
      this.#perform(effect);
      if (this.core !== core) return;
    }
  }

  #diesAt(effect: Effect): boolean {
    const death = this.#death;
    if (death === null) return this.options.world.chance(this.faults.crashRate);
    if (death.at === "write" && !isWrite(effect)) return false;
    this.#death = { ...death, countdown: death.countdown - 1 };
    return death.countdown === 0;
  }

  /** The code that a controller gets which asks for a judgement of a proof; null without an answer. */
  checkBlock(height: bigint, data: Bytes, proof: Bytes): number | null {
    const input = { kind: "checkBlock", id: 0, proposal: { height, data }, proof } as const;
    const effects = this.#held === null ? this.core?.step(input, this.#clock.nowMs) ?? [] : [];
    for (const effect of effects) if (effect.kind === "answer") return effect.code;
    return null;
  }

  #crashAt(effect: Effect): void {
    if (effect.kind === "persist") {
      const share = this.#death?.writtenShare ?? this.options.world.random();
      this.disk.appendTorn(effect.height, effect.records, share);
    }
    this.#death = null;
    this.crash();
  }

  #perform(effect: Effect): void {
    const { links, controller, signer, address } = this.options;
    switch (effect.kind) {
      case "persist":
        return this.disk.append(effect.height, effect.records);
      case "setHeight":
        return this.disk.setHeight(effect.height);
      case "eraseLog":
        return this.disk.erase();
      case "saveAuthorities":
        return this.disk.saveAuthorities(effect.authorities);
      case "broadcast":
        return links.broadcast(effect.type, effect.body);
      case "send":
        return links.send(effect.origin, effect.type, effect.body);
      case "sign": {
        const { id, hash } = effect;
        const signed = { kind: "signed", id } as const;
        return this.#call(
          () => signer.sign(address, hash),
          (signature) => ({ ...signed, signature }),
          { ...signed, signature: null },
        );
      }
      case "getProposal":
        return this.#call(
          () => controller.getProposal(),
          (proposal) => ({ kind: "proposal", proposal, reason: "none" }),
          { kind: "proposal", proposal: null, reason: "no answer" },
        );
      case "checkProposal": {
        const { height, hash, data } = effect;
        return this.#call(
          () => controller.checkProposal(height, data),
          (code) => ({ kind: "checked", hash, code }),
          { kind: "checked", hash, code: null },
        );
      }
      case "commit":
        return this.#commit(effect);
      case "queryConfiguration": {
        const { id } = effect;
        return this.#call(
          () => controller.queryConfiguration(),
          (configuration) => ({ kind: "configuration", id, configuration }),
          { kind: "configuration", id, configuration: null },
        );
      }
      case "setTimer":
        return this.#setTimer(effect.event, effect.delayMs);
      case "cancelStepTimer":
        this.#timers.delete("step");
        return;
      case "log":
        return this.#log(effect);
    }
  }

  #commit({ height, data, proof }: Extract<Effect, { kind: "commit" }>): void {
    const failed = { kind: "committed", height, configuration: null } as const;
    this.#call(
      () => this.options.controller.commit(height, data, proof),
      ({ code, configuration }) =>
        code === 0
          ? { kind: "committed", height, configuration, reason: "" }
          : { ...failed, reason: `code ${code}` },
      { ...failed, reason: "no answer" },
    );
  }

  /** A call takes time both ways, and may fail before or after the other side did its part. */
  #call<Answer>(
    perform: () => Eventually<Answer>,
    inputOf: (answer: Answer) => Input,
    failure: Input,
  ): void {
    const { world } = this.options;
    const life = this.#life;
    const delayMs = () => world.between(1, this.faults.callMsMax);
    const isLost = world.chance(this.faults.callFailureRate);
    const isDone = !isLost || world.chance(0.5);
    const answered = (input: Input) =>
      world.schedule(delayMs(), () => {
        if (life === this.#life) this.post(input);
      });
    world.schedule(delayMs(), () => {
      if (life !== this.#life) return;
      if (!isDone) return answered(failure);
      const answer = perform();
      const take = (answer: Answer) => answered(isLost ? failure : inputOf(answer));
      if (answer instanceof Promise) answer.then(take);
      else take(answer);
    });
  }

  #setTimer(event: TimerEvent, delayMs: number): void {
    const key = event.kind === "step" ? event.kind : event.what;
    this.#timers.set(key, event);
    this.#clock.schedule(delayMs, () => {
      if (this.#timers.get(key) !== event) return;
      this.#timers.delete(key);
      this.post({ kind: "timer", event });
    });
  }

  #log({ level, text }: Extract<Effect, { kind: "log" }>): void {
    this.log.push(`${Math.round(this.options.world.nowMs)} ${level} ${text}`);
    if (this.log.length > 2 * LOG_LINES) this.log.splice(0, LOG_LINES);
  }
}

function isWrite({ kind }: Effect): boolean {
  return kind === "persist" || kind === "setHeight" || kind === "saveAuthorities" ||
    kind === "eraseLog";
}
