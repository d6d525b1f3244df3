import type { NetworkMsg } from "../../proto/gen/network.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { PREFIX_SIZE } from "./core/frame_reader.ts";
import { type Lane, laneOf, LANES } from "./core/lane.ts";
import { decodeMessage } from "./frame.ts";
import { LimitedLog } from "./limited_log.ts";
import type { ModuleAddress } from "./module_address.ts";
import type { Traffic } from "./traffic.ts";

/** The module that messages are delivered to, over gRPC. */
export interface ModuleClient {
  /** Rejects when the module is away or does not answer in time. */
  processNetworkMsg(message: NetworkMsg): Promise<unknown>;
  close(): void;
}

/** What a dispatcher works with. */
export interface DispatcherOptions {
  /** A client of the module at an address; it reconnects by itself. */
  readonly connectModule: (address: ModuleAddress) => ModuleClient;
  readonly traffic: Traffic;
  /** What is logged when a message names an unknown module; null for nothing, as p2p does. */
  readonly unknownModuleLog: string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Messages of one neighbour and lane that may wait for one module. */
export const QUEUE_MESSAGES_MAX = 4_096;

/** Bytes of one neighbour, of all its lanes, that may wait for one module before the next message. */
export const NEIGHBOUR_SIZE_MAX = 64 * 1024 * 1024;

/** Bytes that may wait for one module from all neighbours together, before the next message. */
export const MODULE_SIZE_MAX = 256 * 1024 * 1024;

/**
 * A neighbour of which fewer bytes wait for the module has room whatever waits of others, so that
 * nobody shuts it out. All that can wait for a module is therefore {@linkcode MODULE_SIZE_MAX} and
 * one message, and besides this much and one message of each further neighbour.
 */
export const SMALL_SIZE_MAX = 1024 * 1024;

/** Memory of a waiting message besides its bytes, about. */
const MESSAGE_OVERHEAD = 256;

/** Modules that can be registered; a node has two. */
const MODULES_MAX = 1_024;

/** A registered module. */
interface Module {
  readonly name: string;
  client: ModuleClient | null;
  address: ModuleAddress | null;
  /** Bytes waiting in all of its queues. */
  waitingSize: number;
  /** By {@linkcode queueKey}; a queue without messages is not kept. */
  readonly queues: Map<string, Queue>;
  /** Whether the last delivery failed, so that only changes are logged. */
  isAway: boolean;
}

interface Queue {
  /** The first one is being delivered. */
  readonly waiting: Waiting[];
  size: number;
}

/** Where a queue is among those of its module. */
interface QueuePlace {
  readonly key: string;
  readonly lane: Lane;
}

interface Waiting {
  readonly message: NetworkMsg;
  /** Memory that it takes. */
  readonly size: number;
  /** Its bytes as they came. */
  readonly wireSize: number;
}

/**
 * Delivers messages of neighbours to the modules of this node (spec/network.md, section 1.2).
 * Every neighbour, lane and module has a queue of its own, delivered in order, so that neither a
 * slow module nor a noisy neighbour nor a large block holds up the rest. What finds no room is
 * dropped.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #drops: LimitedLog;
  readonly #modules = new Map<string, Module>();
  #isClosed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#drops = new LimitedLog(options);
  }

  /**
   * Sets where a module is; null makes its messages be dropped. What waits for it is delivered to
   * the new place.
   *
   * @returns false when there are too many modules
   */
  register(name: string, address: ModuleAddress | null): boolean {
    const known = this.#modules.get(name);
    if (known === undefined && this.#modules.size >= MODULES_MAX) return false;
    const module = known ?? newModule(name);
    this.#modules.set(name, module);
    // a module that registers is there: a client that failed need not wait for its next attempt
    if (isSame(module.address, address) && !module.isAway) return true;
    module.client?.close();
    module.address = address;
    module.client = address === null ? null : this.#options.connectModule(address);
    module.isAway = false;
    return true;
  }

  /** The names of the modules that take messages. */
  modules(): readonly string[] {
    return [...this.#modules.values()].filter(({ client }) => client !== null)
      .map(({ name }) => name);
  }

  /** Bytes that wait for modules. */
  get waitingSize(): number {
    let size = 0;
    for (const module of this.#modules.values()) size += module.waitingSize;
    return size;
  }

  /** Queues a message of a neighbour for the module that it names; drops it if there is none. */
  deliver(origin: bigint, bytes: Bytes): void {
    const message = decodeMessage(bytes);
    if (message === null) {
      return this.#drops.warn("network msg decode failed", { origin, size: bytes.length });
    }
    const { traffic, unknownModuleLog } = this.#options;
    const lane = laneOf(message.module, message.type);
    const wireSize = PREFIX_SIZE + bytes.length;
    traffic.received(lane, wireSize);
    const module = this.#modules.get(message.module);
    if (module === undefined || module.client === null || this.#isClosed) {
      traffic.undelivered(lane, wireSize);
      if (unknownModuleLog === null) return;
      return this.#drops.warn(unknownModuleLog, { origin, module: message.module });
    }
    const key = queueKey(origin, lane);
    const queue = module.queues.get(key);
    const size = bytes.length + MESSAGE_OVERHEAD;
    if (!hasRoom(module, origin, queue)) {
      traffic.undelivered(lane, wireSize);
      const fields = { origin, waitingBytes: module.waitingSize };
      return this.#drops.warn(`module ${module.name} is too slow: messages are dropped`, fields);
    }
    module.waitingSize += size;
    const { msg } = message;
    if (queue !== undefined) {
      queue.waiting.push({ message: { ...message, origin, msg: detach(msg) }, size, wireSize });
      queue.size += size;
    } else {
      const fresh = { waiting: [{ message: { ...message, origin }, size, wireSize }], size };
      module.queues.set(key, fresh);
      this.#drain(module, { key, lane }, fresh);
    }
  }

  /** Drops what waits and forgets all modules. */
  close(): void {
    this.#isClosed = true;
    for (const module of this.#modules.values()) {
      for (const queue of module.queues.values()) queue.waiting.length = 0;
      module.client?.close();
    }
    this.#modules.clear();
  }

  /** Delivers one message after the other until none waits. */
  async #drain(module: Module, { key, lane }: QueuePlace, queue: Queue): Promise<void> {
    for (let next = queue.waiting[0]; next !== undefined; next = queue.waiting[0]) {
      if (!await this.#process(module, next.message)) {
        this.#options.traffic.undelivered(lane, next.wireSize);
      }
      queue.waiting.shift();
      queue.size -= next.size;
      module.waitingSize -= next.size;
    }
    module.queues.delete(key);
  }

  /** Whether the module took the message. */
  async #process(module: Module, message: NetworkMsg): Promise<boolean> {
    const { client } = module;
    if (client === null) return false;
    try {
      await client.processNetworkMsg(message);
      if (module.isAway) this.#options.log.info(`module ${module.name} is reachable again`);
      module.isAway = false;
      return true;
    } catch (cause) {
      // the message is lost, as modules must expect; the next one is tried again
      if (this.#isClosed || client !== module.client) return false;
      if (!module.isAway) {
        this.#options.log.warn(`module ${module.name} does not take messages`, { cause });
      }
      module.isAway = true;
      return false;
    }
  }
}

function newModule(name: string): Module {
  return {
    name,
    client: null,
    address: null,
    waitingSize: 0,
    queues: new Map(),
    isAway: false,
  };
}

function queueKey(origin: bigint, lane: Lane): string {
  return `${origin} ${lane}`;
}

function isSame(one: ModuleAddress | null, other: ModuleAddress | null): boolean {
  return one?.host === other?.host && one?.port === other?.port;
}

/** Whether a message of a neighbour may wait in its queue, which is absent while it is empty. */
function hasRoom(module: Module, origin: bigint, queue: Queue | undefined): boolean {
  if (queue !== undefined && queue.waiting.length >= QUEUE_MESSAGES_MAX) return false;
  let ownSize = 0;
  for (const lane of LANES) ownSize += module.queues.get(queueKey(origin, lane))?.size ?? 0;
  if (ownSize < SMALL_SIZE_MAX) return true;
  return ownSize <= NEIGHBOUR_SIZE_MAX && module.waitingSize <= MODULE_SIZE_MAX;
}

/** A small view must not keep the large buffer alive that it was received in. */
function detach(bytes: Bytes): Bytes {
  return bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
}
