/** `bin/network` alone with raw peers: what they send reaches a module of the test. */

import assert from "node:assert/strict";
import { type NetworkMsg, NetworkServiceService } from "../../proto/gen/network.ts";
import { toHex } from "../../shared/bytes/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { type FakeModule, startModule } from "../../services/network/testing/fake_module.ts";
import { freePort } from "../free_ports.ts";
import type { RawMessage } from "../interop/raw_peer/message.ts";
import { peakResidentBytes, residentBytes } from "../memory.ts";
import { Player } from "./recordings/player.ts";

/** Ports of a service that is to be started. */
export interface NetworkPorts {
  readonly grpc: number;
  /** For other nodes. */
  readonly listen: number;
}

/** Ports that are free now. */
export function freePorts(): NetworkPorts {
  return { grpc: freePort(), listen: freePort() };
}

/** Any peer that speaks a wire from raw bytes. */
export interface RawPeer extends Disposable {
  send(message: RawMessage): Promise<void>;
  receive(): Promise<RawMessage>;
}

const MODULE = "wire";
const RECEIVE_TIMEOUT_MS = 10_000;

/** A running service with a module that takes every message of {@linkcode MODULE}. */
export class LoneNetwork implements AsyncDisposable {
  #serial = 0;

  private constructor(
    readonly ports: NetworkPorts,
    readonly client: RpcClient<typeof NetworkServiceService>,
    readonly player: Player,
    readonly module: FakeModule,
    readonly folder: string,
  ) {}

  /** Starts the executable; `configOf` gives the text of its configuration, in its folder. */
  static async start(
    configOf: (ports: NetworkPorts, folder: string) => string,
    ports = freePorts(),
  ): Promise<LoneNetwork> {
    const folder = await Deno.makeTempDir({ prefix: "e2e-network-" });
    const config = configOf(ports, folder);
    const player = await Player.start({ role: "network", folder, config, port: ports.grpc });
    const client = connect(NetworkServiceService, { port: ports.grpc });
    const module = await startModule();
    const port = String(module.port);
    await client.registerNetworkMsgHandler({ moduleName: MODULE, hostname: "127.0.0.1", port });
    return new LoneNetwork(ports, client, player, module, folder);
  }

  /** Bytes in memory now. */
  get memory(): number {
    return residentBytes(this.player.pid);
  }

  /** The most bytes in memory so far. */
  get memoryPeak(): number {
    return peakResidentBytes(this.player.pid);
  }

  /** A message that no other equals. */
  message(size = 4): RawMessage {
    const msg = new Uint8Array(size).fill(0x5a);
    return { module: MODULE, type: `type ${++this.#serial}`, msg };
  }

  /** The next message that reached the module; its origin tells the peer. */
  async delivered(): Promise<NetworkMsg> {
    const { promise, reject } = Promise.withResolvers<never>();
    const fail = () => reject(new Error(`nothing reached the module in ${RECEIVE_TIMEOUT_MS} ms`));
    const deadline = AbortSignal.timeout(RECEIVE_TIMEOUT_MS);
    deadline.addEventListener("abort", fail);
    try {
      return await Promise.race([this.module.messages.next(), promise]);
    } finally {
      deadline.removeEventListener("abort", fail);
    }
  }

  /** Sends one message each way; both must arrive as they were sent. */
  async exchange(peer: RawPeer, size?: number): Promise<void> {
    assert(this.player.isRunning, "the process lives");
    const sent = this.message(size);
    const [{ origin, ...arrived }] = await Promise.all([this.delivered(), peer.send(sent)]);
    assertSame(arrived, sent);
    const reply = this.message(size);
    const [got] = await Promise.all([
      peer.receive(),
      this.client.sendMsg({ ...reply, origin }),
    ]);
    assertSame(got, reply);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.player[Symbol.asyncDispose]();
    await this.module[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function assertSame(got: RawMessage, wanted: RawMessage): void {
  assert.equal(got.module, wanted.module);
  assert.equal(got.type, wanted.type);
  assert.equal(got.msg.length, wanted.msg.length);
  assert.equal(toHex(got.msg.subarray(0, 64)), toHex(wanted.msg.subarray(0, 64)));
}
