import type { NodeNetInfo } from "../../../proto/gen/common.ts";
import type { NetworkMsg } from "../../../proto/gen/network.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { type MessageType, MODULE } from "../node_manager/mod.ts";
import type { NetInfo, NetworkPort } from "../ports.ts";

/** A message that was sent. */
export interface SentMessage {
  readonly type: string;
  /** 0 for a broadcast. */
  readonly origin: bigint;
  readonly msg: Bytes;
}

type Deliver = (message: NetworkMsg) => unknown;

/** The network service of one node; sessions are made by {@linkcode FakeNetworks.join}. */
export class FakeNetwork implements NetworkPort {
  readonly sent: SentMessage[] = [];
  registrations = 0;
  /** Every call fails while true. */
  isAway = false;
  /** Where each session leads. */
  readonly sessions = new Map<bigint, { peer: FakeNetwork; backOrigin: bigint }>();
  deliver: Deliver | null = null;
  /** Decides which outgoing messages get lost. */
  loses: (message: SentMessage) => boolean = () => false;

  register(): Promise<StatusCode> {
    if (this.isAway) return Promise.resolve(StatusCode.NetworkServerNotReady);
    this.registrations++;
    return Promise.resolve(StatusCode.Success);
  }

  send(origin: bigint, type: MessageType, msg: Bytes): Promise<StatusCode> {
    return Promise.resolve(this.#send([origin], { type, origin, msg }));
  }

  broadcast(type: MessageType, msg: Bytes): Promise<StatusCode> {
    return Promise.resolve(this.#send([...this.sessions.keys()], { type, origin: 0n, msg }));
  }

  #send(origins: readonly bigint[], message: SentMessage): StatusCode {
    if (this.isAway) return StatusCode.NetworkServerNotReady;
    this.sent.push(message);
    if (this.loses(message)) return StatusCode.Success;
    for (const to of origins) {
      const session = this.sessions.get(to);
      if (session === undefined || session.peer.isAway) continue;
      const { type, msg } = message;
      session.peer.deliver?.({ module: MODULE, type, origin: session.backOrigin, msg });
    }
    return StatusCode.Success;
  }

  addNode(node: NodeNetInfo): Promise<StatusCode> {
    const isBad = !node.multiAddress.startsWith("/");
    return Promise.resolve(isBad ? StatusCode.MultiAddrParseError : StatusCode.Success);
  }

  peerCount(): Promise<bigint | null> {
    return Promise.resolve(this.isAway ? null : BigInt(this.sessions.size));
  }

  peersNetInfo(): Promise<NetInfo> {
    if (this.isAway) return Promise.resolve(null);
    return Promise.resolve(
      [...this.sessions.keys()].map((origin) => ({
        multiAddress: `/ip4/127.0.0.1/tcp/${origin}`,
        origin,
      })),
    );
  }

  /** Types of the messages sent so far, oldest first. */
  get sentTypes(): string[] {
    return this.sent.map(({ type }) => type);
  }
}

/** Connects network services with each other. */
export class FakeNetworks {
  #nextOrigin = 1n;

  /** A session between two nodes, with a different handle at each end. */
  join(left: FakeNetwork, right: FakeNetwork): void {
    const leftOrigin = this.#nextOrigin++;
    const rightOrigin = this.#nextOrigin++;
    left.sessions.set(leftOrigin, { peer: right, backOrigin: rightOrigin });
    right.sessions.set(rightOrigin, { peer: left, backOrigin: leftOrigin });
  }

  /** Ends all sessions of a node. */
  leave(network: FakeNetwork): void {
    for (const { peer, backOrigin } of network.sessions.values()) peer.sessions.delete(backOrigin);
    network.sessions.clear();
  }
}
