import { Message, MessageType } from "../../../proto/gen/eraftpb.ts";
import { type Bytes, readU64be, u64be } from "../../../shared/bytes/mod.ts";
import { encode, tryDecode } from "../../../shared/codec/mod.ts";
import type { OutgoingMessage } from "../network_port.ts";

/** What to do after something came in. */
export type MailEffect =
  /** To the session `message.origin`, whose failure is told to the book; 0 is everyone. */
  | { readonly kind: "send"; readonly message: OutgoingMessage }
  /** To the raft of this node. */
  | { readonly kind: "deliver"; readonly message: Message }
  /** The answer to who brought the message: it is malformed. */
  | { readonly kind: "refuse"; readonly reason: string };

/** A message as the network service brings it. */
interface IncomingMessage {
  readonly type: string;
  /** The session that it came from. */
  readonly origin: bigint;
  readonly msg: Bytes;
}

const PEER_ID_SIZE = 8;
const EVERYONE = 0n;

/** Far more than a chain has validators; who was silent the longest is forgotten first. */
const PEERS_MAX = 1_024;

/**
 * Knows through which session of the network service each node of the group is reached
 * (spec/consensus.md, section 10.2). Nodes that are not known are looked for with a probe.
 */
export class Mailbook {
  readonly #originById = new Map<bigint, bigint>();
  /** Requests for votes by the nodes that they could not be sent to. */
  readonly #waiting = new Map<bigint, Message>();
  #ticksToWait = 0;
  #hasProbed = false;
  #mustProbe = false;

  /** @param electionTicks an election is over by then */
  constructor(readonly ownId: bigint, readonly electionTicks: number) {}

  /** The session of a node; null when it is not known. */
  originOf(peerId: bigint): bigint | null {
    return this.#originById.get(peerId) ?? null;
  }

  /** Time has passed: what others send must not make this node broadcast more than once a tick. */
  tick(): MailEffect[] {
    this.#hasProbed = false;
    if (--this.#ticksToWait <= 0) this.#waiting.clear();
    return this.#mustProbe || this.#waiting.size > 0 ? this.probe() : [];
  }

  /** Asks everyone who they are. */
  probe(): MailEffect[] {
    this.#mustProbe = this.#hasProbed;
    if (this.#hasProbed) return [];
    this.#hasProbed = true;
    return [sendTo(EVERYONE, "probe", u64be(this.ownId))];
  }

  /**
   * Sends a message of the own raft; it is lost when the way is not known. A request for a vote
   * waits a while: nodes that start together meet a moment after the first stands for election, and
   * the next election may be far away.
   */
  send(message: Message): MailEffect[] {
    const { to } = message;
    const origin = this.originOf(to);
    this.#waiting.delete(to);
    if (origin !== null) return [sendTo(origin, "raft", encode(Message, message))];
    if (isVoteRequest(message)) {
      this.#waiting.set(to, message);
      this.#ticksToWait = this.electionTicks;
    }
    return this.probe();
  }

  /** A session is gone: who was reached through it has another one now, or none. */
  sendFailed(origin: bigint): MailEffect[] {
    const gone = [...this.#originById].filter(([, known]) => known === origin);
    for (const [peerId] of gone) this.#originById.delete(peerId);
    return gone.length === 0 ? [] : this.probe();
  }

  /** Takes a message of another node. */
  receive({ type, origin, msg }: IncomingMessage): MailEffect[] {
    if (type === "raft") return this.#receiveRaft(origin, msg);
    if (!["probe", "probe-resp", "refresh"].includes(type)) return refuse("unknown msg type");
    if (msg.length !== PEER_ID_SIZE) return refuse("invalid peer id");
    if (type === "refresh") return this.probe();
    const sent = this.#learn(readU64be(msg), origin);
    return type === "probe" ? [...answer(origin, "probe-resp", this.ownId), ...sent] : sent;
  }

  #receiveRaft(origin: bigint, body: Bytes): MailEffect[] {
    const message = tryDecode(Message, body);
    if (message === null) return refuse("can't decode raft msg");
    const sent = this.#learn(message.from, origin);
    if (message.to !== this.ownId) return [...answer(origin, "refresh", message.to), ...sent];
    return [{ kind: "deliver", message }, ...sent];
  }

  /** Notes where a node is reached, and sends what waits for that. */
  #learn(peerId: bigint, origin: bigint): MailEffect[] {
    if (origin === EVERYONE || peerId === this.ownId) return [];
    this.#originById.delete(peerId);
    this.#originById.set(peerId, origin);
    const [oldest] = this.#originById.keys();
    if (oldest !== undefined && this.#originById.size > PEERS_MAX) this.#originById.delete(oldest);
    const waiting = this.#waiting.get(peerId);
    return waiting === undefined ? [] : this.send(waiting);
  }
}

function isVoteRequest({ msgType }: Message): boolean {
  return msgType === MessageType.REQUEST_VOTE || msgType === MessageType.REQUEST_PRE_VOTE;
}

function sendTo(origin: bigint, type: string, body: Bytes): MailEffect {
  return { kind: "send", message: { type, origin, body } };
}

/** Without a session there is nobody to answer: 0 would be everyone. */
function answer(origin: bigint, type: string, peerId: bigint): MailEffect[] {
  return origin === EVERYONE ? [] : [sendTo(origin, type, u64be(peerId))];
}

function refuse(reason: string): MailEffect[] {
  return [{ kind: "refuse", reason }];
}
