import { type Bytes, fromHex, u64be } from "../../../shared/bytes/mod.ts";
import type { AddressHex } from "../../../services/consensus/bft/core/bincode.ts";
import { BftCore } from "../../../services/consensus/bft/core/core.ts";
import type { CoreCrypto } from "../../../services/consensus/bft/core/crypto.ts";
import type {
  Configuration,
  Effect,
  Input,
  TimerEvent,
} from "../../../services/consensus/bft/core/interface.ts";
import { DEFAULT_TIMING } from "../../../services/consensus/testing/core_fixture.ts";
import { World } from "../world.ts";

/** Time that a message takes, and an answer of another service of the node. */
const MESSAGE_MS = 5;
const ANSWER_MS = 1;

/** A chain that makes no block in this time is stuck. */
const BLOCK_MS_MAX = 60_000;

/** Who validates, and how it signs. */
export interface Validator {
  readonly address: AddressHex;
  sign(hash: Bytes): Bytes;
}

/** What is measured of a message, once for each node that gets it. */
export interface Delivery {
  readonly type: string;
  readonly bodySize: number;
  /** Time that its receiver took for it. */
  readonly cpuMs: number;
}

export interface QuietNetOptions {
  readonly validators: readonly Validator[];
  readonly crypto: CoreCrypto;
  /** Size of the blocks. */
  readonly blockSize: number;
  /** Reads the time; without it no time is measured. */
  readonly nowMs?: () => number;
}

/**
 * Validators to whom nothing bad ever happens: every message arrives after the same time, and every
 * service answers.
 */
export class QuietNet {
  readonly cores: readonly BftCore[];
  /** Every message to every node that got it. */
  readonly deliveries: Delivery[] = [];
  /** Size of the last proof. */
  proofSize = 0;
  readonly #world = new World(1);
  /** The running timers by node and kind. */
  readonly #timers = new Map<string, TimerEvent>();

  constructor(readonly options: QuietNetOptions) {
    const { validators, crypto } = options;
    const timing = DEFAULT_TIMING;
    this.cores = validators.map(({ address: own }) => new BftCore({ own, crypto, timing }));
    for (const node of this.cores.keys()) {
      const nothing = { height: null, authorities: null, contentByHeight: new Map() };
      this.#post(node, { kind: "start", ...nothing });
    }
  }

  /** Runs until every validator has decided a height. */
  runTo(height: bigint): void {
    const isDone = () => this.cores.every(({ view }) => view.height > height);
    const limitMs = this.#world.nowMs + Number(height) * BLOCK_MS_MAX;
    if (!this.#world.runUntil(isDone, limitMs)) throw new Error(`Height ${height} is not decided`);
  }

  #post(node: number, input: Input): void {
    for (const effect of this.cores[node]?.step(input, this.#world.nowMs) ?? []) {
      this.#perform(node, effect);
    }
  }

  #perform(node: number, effect: Effect): void {
    const answer = (input: Input) => this.#world.schedule(ANSWER_MS, () => this.#post(node, input));
    switch (effect.kind) {
      case "broadcast":
        for (const to of this.cores.keys()) if (to !== node) this.#send(node, to, effect);
        break;
      case "send":
        this.#send(node, Number(effect.origin) - 1, effect);
        break;
      case "sign":
        this.#world.schedule(ANSWER_MS, () => {
          const signature = this.options.validators[node]?.sign(effect.hash) ?? null;
          this.#post(node, { kind: "signed", id: effect.id, signature });
        });
        break;
      case "getProposal":
        answer({ kind: "proposal", proposal: this.#proposalOf(node), reason: "" });
        break;
      case "checkProposal":
        answer({ kind: "checked", hash: effect.hash, code: 0 });
        break;
      case "commit": {
        const { height, proof } = effect;
        this.proofSize = proof.length;
        answer({
          kind: "committed",
          height,
          configuration: this.#configurationAt(height),
          reason: "",
        });
        break;
      }
      case "queryConfiguration":
        answer({
          kind: "configuration",
          id: effect.id,
          configuration: this.#configurationAt(0n),
        });
        break;
      case "setTimer":
        this.#setTimer(node, effect.event, effect.delayMs);
        break;
      case "cancelStepTimer":
        this.#timers.delete(`${node} step`);
    }
  }

  #setTimer(node: number, event: TimerEvent, delayMs: number): void {
    const key = `${node} ${event.kind === "step" ? event.kind : event.what}`;
    this.#timers.set(key, event);
    this.#world.schedule(delayMs, () => {
      if (this.#timers.get(key) !== event) return;
      this.#timers.delete(key);
      this.#post(node, { kind: "timer", event });
    });
  }

  #send(
    from: number,
    to: number,
    { type, body }: { readonly type: string; readonly body: Bytes },
  ): void {
    const { nowMs = () => 0 } = this.options;
    this.#world.schedule(MESSAGE_MS, () => {
      const startMs = nowMs();
      this.#post(to, { kind: "message", type, origin: BigInt(from + 1), body });
      this.deliveries.push({ type, bodySize: body.length, cpuMs: nowMs() - startMs });
    });
  }

  #proposalOf(node: number): { readonly height: bigint; readonly data: Bytes } {
    const height = this.cores[node]?.view.height ?? 0n;
    const data = new Uint8Array(this.options.blockSize);
    data.set(u64be(height));
    return { height, data };
  }

  #configurationAt(height: bigint): Configuration {
    const validators = this.options.validators.map(({ address }) => fromHex(address));
    return { height, blockIntervalSeconds: 3, validators };
  }
}
