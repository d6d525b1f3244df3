import type { NetworkMsg } from "../../proto/gen/network.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { decodeMessage } from "./frame.ts";

/** The module that messages are delivered to, over gRPC. */
export interface ModuleClient {
  /** Rejects when the module is away or does not answer in time. */
  processNetworkMsg(message: NetworkMsg): Promise<unknown>;
  close(): void;
}

/** What a dispatcher works with. */
export interface DispatcherOptions {
  /** A client of the module on a port of this host; it reconnects by itself. */
  readonly connectModule: (port: number) => ModuleClient;
  readonly log: Logger;
}

/** Messages of one neighbour that may wait for one module. */
export const QUEUE_MESSAGES_MAX = 4_096;

/** Their bytes; one message always fits. */
export const QUEUE_SIZE_MAX = 64 * 1024 * 1024;

/** Bytes that may wait for one module from all neighbours together. */
export const MODULE_SIZE_MAX = 256 * 1024 * 1024;

/** Memory of a waiting message besides its bytes, about. */
const MESSAGE_OVERHEAD = 256;

/** Modules that can be registered; a node has two. */
const MODULES_MAX = 1_024;

/** A registered module. */
interface Module {
  readonly name: string;
  client: ModuleClient | null;
  port: number | null;
  /** Bytes waiting in all of its queues. */
  waitingSize: number;
  /** By the neighbour that the messages come from; a queue without messages is not kept. */
  readonly queues: Map<bigint, Queue>;
  /** Whether the last delivery failed, so that only changes are logged. */
  isAway: boolean;
  /** Whether the last message found no room, likewise. */
  isOverrun: boolean;
}

interface Queue {
  /** The first one is being delivered. */
  readonly waiting: Waiting[];
  size: number;
}

interface Waiting {
  readonly message: NetworkMsg;
  readonly size: number;
}

/**
 * Delivers messages of neighbours to the modules of this node (spec/network.md, section 1.2).
 * Every neighbour and module has a queue of its own, delivered in order, so that neither a slow
 * module nor a noisy neighbour holds up the others. What finds no room is dropped.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #modules = new Map<string, Module>();
  #isClosed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /**
   * Sets where a module is; a port that is no number makes its messages be dropped. What waits for
   * it is delivered to the new place.
   *
   * @returns false when there are too many modules
   */
  register(name: string, port: string): boolean {
    const known = this.#modules.get(name);
    if (known === undefined && this.#modules.size >= MODULES_MAX) return false;
    const module = known ?? newModule(name);
    this.#modules.set(name, module);
    const number = parsePort(port);
    // a module that registers is there: a client that failed need not wait for its next attempt
    if (module.port === number && !module.isAway) return true;
    module.client?.close();
    module.port = number;
    module.client = number === null ? null : this.#options.connectModule(number);
    module.isAway = false;
    return true;
  }

  /** Queues a message of a neighbour for the module that it names; drops it if there is none. */
  deliver(origin: bigint, bytes: Bytes): void {
    const message = decodeMessage(bytes);
    if (message === null) {
      return this.#options.log.warn("network msg decode failed", { origin, size: bytes.length });
    }
    const module = this.#modules.get(message.module);
    if (module === undefined || module.client === null || this.#isClosed) return;
    const queue = module.queues.get(origin);
    const size = bytes.length + MESSAGE_OVERHEAD;
    if (!hasRoom(module, queue, size)) return this.#noteOverrun(module, origin);
    module.isOverrun = false;
    module.waitingSize += size;
    const { msg } = message;
    if (queue !== undefined) {
      queue.waiting.push({ message: { ...message, origin, msg: detach(msg) }, size });
      queue.size += size;
    } else {
      const fresh = { waiting: [{ message: { ...message, origin }, size }], size };
      module.queues.set(origin, fresh);
      this.#drain(module, origin, fresh);
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
  async #drain(module: Module, origin: bigint, queue: Queue): Promise<void> {
    for (let next = queue.waiting[0]; next !== undefined; next = queue.waiting[0]) {
      await this.#process(module, next.message);
      queue.waiting.shift();
      queue.size -= next.size;
      module.waitingSize -= next.size;
    }
    module.queues.delete(origin);
  }

  async #process(module: Module, message: NetworkMsg): Promise<void> {
    const { client } = module;
    if (client === null) return;
    try {
      await client.processNetworkMsg(message);
      if (module.isAway) this.#options.log.info(`module ${module.name} is reachable again`);
      module.isAway = false;
    } catch (cause) {
      // the message is lost, as modules must expect; the next one is tried again
      if (this.#isClosed || client !== module.client) return;
      if (!module.isAway) {
        this.#options.log.warn(`module ${module.name} does not take messages`, { cause });
      }
      module.isAway = true;
    }
  }

  #noteOverrun(module: Module, origin: bigint): void {
    if (module.isOverrun) return;
    module.isOverrun = true;
    const fields = { origin, waitingBytes: module.waitingSize };
    this.#options.log.warn(`module ${module.name} is too slow: messages are dropped`, fields);
  }
}

function newModule(name: string): Module {
  return {
    name,
    client: null,
    port: null,
    waitingSize: 0,
    queues: new Map(),
    isAway: false,
    isOverrun: false,
  };
}

function hasRoom(module: Module, queue: Queue | undefined, size: number): boolean {
  if (module.waitingSize + size > MODULE_SIZE_MAX) return false;
  if (queue === undefined) return true;
  return queue.waiting.length < QUEUE_MESSAGES_MAX && queue.size + size <= QUEUE_SIZE_MAX;
}

/** A small view must not keep the large buffer alive that it was received in. */
function detach(bytes: Bytes): Bytes {
  return bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
}

function parsePort(text: string): number | null {
  if (!/^[0-9]{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : null;
}
