import type { Bytes } from "../../../shared/bytes/mod.ts";
import { BftCore } from "../../../services/consensus/bft/core/core.ts";
import type { AddressHex } from "../../../services/consensus/bft/core/bincode.ts";
import type { Effect, Input, TimerEvent } from "../../../services/consensus/bft/core/interface.ts";
import type { TimingOptions } from "../../../services/consensus/bft/core/timing.ts";
import { FAKE_CRYPTO, type FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import type { World } from "../world.ts";
import type { ModelController } from "./model_controller.ts";
import { SimDisk } from "./sim_disk.ts";

/** What a node's surroundings do to it. */
export interface NodeFaults {
  /** Probability of a crash at an effect, in the middle of it when it writes. */
  readonly crashRate: number;
  /** Probability that a call to another service of the node is not answered. */
  readonly callFailureRate: number;
  readonly callMsMax: number;
}

/** Nothing goes wrong. */
export const NO_FAULTS: NodeFaults = { crashRate: 0, callFailureRate: 0, callMsMax: 20 };

/** How a node reaches others. */
export interface NodeLinks {
  broadcast(type: string, body: Bytes): void;
  send(origin: bigint, type: string, body: Bytes): void;
  /** A node stored a block, by consensus or by synchronisation. */
  stored(height: bigint, data: Bytes): void;
  crashed(): void;
}

/** What a node is made of. */
export interface SimNodeOptions {
  readonly address: AddressHex;
  readonly world: World;
  readonly timing: TimingOptions;
  readonly controller: ModelController;
  readonly signer: FakeSigner;
  readonly links: NodeLinks;
}

/** Blocks that a node asks of another one at a time, as `sync_interval` says. */
const SYNC_BLOCKS = 10;

/** A validator's consensus core with everything around it simulated; a driver like the real one. */
export class SimNode {
  readonly disk = new SimDisk();
  faults: NodeFaults = NO_FAULTS;
  core: BftCore | null = null;
  readonly log: string[] = [];
  /** Changes at each start: answers to a process that is gone go nowhere. */
  #life = 0;
  readonly #timers = new Map<string, TimerEvent>();

  constructor(readonly options: SimNodeOptions) {}

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
    this.#timers.clear();
    this.options.links.crashed();
  }

  post(input: Input): void {
    const { core, options: { world } } = this;
    if (core === null) return;
    for (const effect of core.step(input, world.nowMs)) {
      if (world.chance(this.faults.crashRate)) return this.#crashAt(effect);
      this.#perform(effect);
      if (this.core !== core) return;
    }
  }

  /** Judges a proof as a call from the controller would. */
  checkProof(height: bigint, data: Bytes, proof: Bytes): boolean {
    const input = { kind: "checkBlock", id: 0, proposal: { height, data }, proof } as const;
    const effects = this.core?.step(input, this.options.world.nowMs) ?? [];
    return effects.some((effect) => effect.kind === "answer" && effect.code === 0);
  }

  #crashAt(effect: Effect): void {
    if (effect.kind === "persist") {
      this.disk.appendTorn(effect.height, effect.records, this.options.world.random());
    }
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
          () => ({ ...signed, signature: signer.sign(address, hash) }),
          { ...signed, signature: null },
        );
      }
      case "getProposal":
        return this.#call(
          () => ({ kind: "proposal", proposal: controller.getProposal(), reason: "" }),
          { kind: "proposal", proposal: null, reason: "no answer" },
        );
      case "checkProposal": {
        const { height, hash, data } = effect;
        return this.#call(
          () => ({ kind: "checked", hash, code: controller.checkProposal(height, data) }),
          { kind: "checked", hash, code: null },
        );
      }
      case "commit":
        return this.#commit(effect);
      case "queryConfiguration":
        return this.#call(
          () => ({ kind: "configuration", configuration: controller.configuration }),
          { kind: "configuration", configuration: null },
        );
      case "setTimer":
        return this.#setTimer(effect.event, effect.delayMs);
      case "cancelStepTimer":
        this.#timers.delete("step");
        return;
      case "log":
        this.log.push(`${Math.round(this.options.world.nowMs)} ${effect.level} ${effect.text}`);
    }
  }

  #commit({ height, data, proof }: Extract<Effect, { kind: "commit" }>): void {
    const { controller, links } = this.options;
    const failed = { kind: "committed", height, configuration: null } as const;
    this.#call(() => {
      const isNew = controller.height + 1n === height;
      const code = controller.commit(height, { data, proof });
      if (code !== 0) return { ...failed, reason: `code ${code}` };
      if (isNew) links.stored(height, data);
      const configuration = { ...controller.configuration, height };
      return { kind: "committed", height, configuration, reason: "" };
    }, { ...failed, reason: "no answer" });
  }

  /** A call takes time both ways, and may fail before or after the other side did its part. */
  #call(answer: () => Input, failure: Input): void {
    const { world } = this.options;
    const life = this.#life;
    const delayMs = () => world.between(1, this.faults.callMsMax);
    const isLost = world.chance(this.faults.callFailureRate);
    const isDone = !isLost || world.chance(0.5);
    world.schedule(delayMs(), () => {
      if (life !== this.#life) return;
      const input = isDone ? answer() : failure;
      world.schedule(delayMs(), () => {
        if (life === this.#life) this.post(isLost ? failure : input);
      });
    });
  }

  #setTimer(event: TimerEvent, delayMs: number): void {
    const key = event.kind === "step" ? event.kind : event.what;
    this.#timers.set(key, event);
    this.options.world.schedule(delayMs, () => {
      if (this.#timers.get(key) !== event) return;
      this.#timers.delete(key);
      this.post({ kind: "timer", event });
    });
  }

  /** Takes the next blocks from another node's controller, if that has more. */
  syncFrom(other: SimNode): void {
    const { controller, links } = this.options;
    const source = other.options.controller;
    for (let block = 0; block < SYNC_BLOCKS; block++) {
      if (source.height <= controller.height || !controller.sync(source)) return;
      const last = controller.blocks.at(-1);
      if (last !== undefined) links.stored(controller.height, last.data);
      this.post({ kind: "reconfigure", configuration: controller.configuration });
    }
  }
}
