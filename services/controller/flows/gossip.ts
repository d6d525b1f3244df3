import { ChainStatus, ChainStatusInit, ChainStatusRespond } from "../../../proto/gen/sync.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import { type Node, ownStatus } from "./node.ts";

/** Peers that hear of a new block from this node (spec/controller.md, 15). */
const MULTICAST_COUNT_MAX = 5;

/** Sends messages to other controllers. Nothing waits for it; failures are logged only. */
export class Gossip {
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  /** To the peer of one session. */
  unicast(origin: bigint, type: MessageType, payload: Bytes): Promise<StatusCode> {
    return this.#report(type, this.#node.env.ports.network.send(origin, type, payload));
  }

  /** Whether any peer is known. */
  get hasPeers(): boolean {
    return this.#origins.length > 0;
  }

  get #origins(): bigint[] {
    return this.#node.peers.nodes().flatMap(({ origin }) => origin ?? []);
  }

  /**
   * To some known peers, chosen at random; to all of them without a limit. Resolves to whether the
   * network service took it for one of them at least.
   */
  async multicast(
    type: MessageType,
    payload: Bytes,
    countMax = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    const chosen = choose(this.#origins, countMax, this.#node.env.random);
    const codes = await Promise.all(chosen.map((origin) => this.unicast(origin, type, payload)));
    return codes.includes(StatusCode.Success);
  }

  /** Tells peers of the tip, after a commit. */
  multicastStatus(): void {
    const payload = encode(ChainStatus, ownStatus(this.#node));
    this.multicast(MessageType.ChainStatus, payload, MULTICAST_COUNT_MAX);
  }

  /** Tells one peer of the tip. */
  sendStatus(origin: bigint): void {
    const payload = encode(ChainStatus, ownStatus(this.#node));
    this.unicast(origin, MessageType.ChainStatus, payload);
  }

  /** Asks a session to introduce itself. */
  askForIntroduction(origin: bigint): void {
    const payload = encode(ChainStatus, ownStatus(this.#node));
    this.unicast(origin, MessageType.ChainStatusInitRequest, payload);
  }

  /** Tells a peer that it is not on this chain. */
  rejectChain(origin: bigint): void {
    const { nodeAddress } = this.#node.settings;
    const respond = { $case: "notSameChain", value: { address: nodeAddress } } as const;
    this.unicast(
      origin,
      MessageType.ChainStatusRespond,
      encode(ChainStatusRespond, { respond }),
    );
  }

  /** Introduces this node to one session. */
  async introduceTo(origin: bigint): Promise<void> {
    const payload = await this.#introduction();
    if (payload !== null) this.unicast(origin, MessageType.ChainStatusInit, payload);
  }

  /** Introduces this node to every session. */
  async introduceToAll(): Promise<void> {
    this.#node.env.log.info("receive BroadCastCSI event task");
    const payload = await this.#introduction();
    if (payload === null) return;
    const { network } = this.#node.env.ports;
    const type = MessageType.ChainStatusInit;
    this.#report(type, network.broadcast(type, payload));
  }

  /** The signed own status; null while the kms is away, where the reference dies. */
  async #introduction(): Promise<Bytes | null> {
    const { env, hash } = this.#node;
    const chainStatus = ownStatus(this.#node);
    const { code, bytes } = await env.ports.kms.sign(hash(encode(ChainStatus, chainStatus)));
    if (code !== StatusCode.Success) {
      env.log.warn(`cannot sign the chain status: ${statusName(code)}`);
      return null;
    }
    return encode(ChainStatusInit, { chainStatus, signature: bytes });
  }

  async #report(type: MessageType, sending: Promise<StatusCode>): Promise<StatusCode> {
    const code = await sending;
    if (code !== StatusCode.Success) {
      this.#node.env.log.warn(`send ${type} failed: ${statusName(code)}`);
    }
    return code;
  }
}

/** At most `countMax` items in random order. */
function choose<Item>(items: readonly Item[], countMax: number, random: () => number): Item[] {
  const rest = [...items];
  if (rest.length <= countMax) return rest;
  const chosen: Item[] = [];
  while (chosen.length < countMax) {
    chosen.push(...rest.splice(Math.floor(random() * rest.length), 1));
  }
  return chosen;
}
