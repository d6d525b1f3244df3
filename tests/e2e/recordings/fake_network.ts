/** The test in the place of a node's network service, and of the peers behind it. */

import {
  type NetworkMsg,
  NetworkMsgHandlerServiceService,
  NetworkServiceService,
} from "../../../proto/gen/network.ts";
import type { NodeNetInfo } from "../../../proto/gen/common.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import {
  connect,
  grpcService,
  type RpcClient,
  RpcCode,
  RpcError,
  RpcFault,
  type RpcServer,
  serveGrpc,
} from "../../../shared/rpc/mod.ts";

/** What a peer does with a message that the node sent to its session. */
export type PeerInbox = (message: NetworkMsg) => Promise<void>;

/** A message from a peer to a module of the node. */
export interface Delivery {
  readonly module: "controller" | "consensus";
  readonly type: string;
  /** Session of the sender. */
  readonly origin: bigint;
  readonly msg: Bytes;
}

/** Nothing dials it. */
const PEER_ADDRESS = "/ip4/127.0.0.1/tcp/1";

type ModuleClient = RpcClient<typeof NetworkMsgHandlerServiceService>;

/** A network without other machines: sessions are numbers that the test gives to its peers. */
export class FakeNetwork implements AsyncDisposable {
  /** Whether the network tells the node that there are no sessions, as on the recorded node. */
  isAlone = false;
  /** Everything that the node broadcast, in order. */
  readonly broadcasts: NetworkMsg[] = [];
  /** Everything that the node sent to single sessions, in order. */
  readonly sent: NetworkMsg[] = [];
  readonly #inboxes = new Map<bigint, PeerInbox>();
  readonly #modules = new Map<string, ModuleClient>();
  readonly #answers = new Set<Promise<void>>();
  #server: RpcServer | null = null;

  /** Serves `network.NetworkService` on a port. */
  static async serve(port: number): Promise<FakeNetwork> {
    const network = new FakeNetwork();
    const service = grpcService(NetworkServiceService, {
      sendMsg: (message) => {
        network.sent.push(message);
        network.#answer(message);
        return Promise.resolve({ code: 0 });
      },
      broadcast: (message) => {
        network.broadcasts.push(message);
        return Promise.resolve({ code: 0 });
      },
      getNetworkStatus: () => Promise.resolve({ peerCount: BigInt(network.#sessions().length) }),
      getPeersNetInfo: () => Promise.resolve({ nodes: network.#sessions() }),
      registerNetworkMsgHandler: ({ moduleName, hostname, port }) => {
        network.#modules.get(moduleName)?.close();
        const address = { host: hostname, port: Number(port) };
        network.#modules.set(moduleName, connect(NetworkMsgHandlerServiceService, address));
        return Promise.resolve({ code: 0 });
      },
      // what the recorded network answered to the only address that it was given
      addNode: () => Promise.reject(new RpcError(RpcCode.InvalidArgument, "invalid multiaddr")),
    });
    network.#server = await serveGrpc({
      host: "127.0.0.1",
      port,
      services: [service],
      log: SILENT_LOGGER,
    });
    return network;
  }

  /** Names of the modules that registered. */
  get modules(): string[] {
    return [...this.#modules.keys()].sort();
  }

  /** Gives messages to a session to its peer. */
  join(origin: bigint, inbox: PeerInbox): void {
    this.#inboxes.set(origin, inbox);
  }

  /** Hands a message to a module; gives the code that the module answers. */
  async deliver({ module, ...message }: Delivery): Promise<number> {
    const client = this.#modules.get(module);
    if (client === undefined) throw new Error(`The module ${module} has not registered`);
    return (await client.processNetworkMsg({ module, ...message })).code;
  }

  #sessions(): NodeNetInfo[] {
    if (this.isAlone) return [];
    return [...this.#inboxes.keys()].map((origin) => ({ multiAddress: PEER_ADDRESS, origin }));
  }

  /** As on a real network, the peer answers after the node's call has returned. */
  #answer(message: NetworkMsg): void {
    const inbox = this.#inboxes.get(message.origin);
    if (inbox === undefined) return;
    const answered = inbox(message).catch((error) => {
      // the module was killed meanwhile; a network service would log it
      if (!(error instanceof RpcFault && error.isTransport)) throw error;
    });
    this.#answers.add(answered);
    answered.finally(() => this.#answers.delete(answered));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#answers);
    for (const client of this.#modules.values()) client.close();
    await this.#server?.close();
  }
}
