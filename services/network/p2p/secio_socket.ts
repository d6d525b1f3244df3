import { type Bytes, joinBytes } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { type NodeKey, randomBytes } from "../../../shared/crypto/mod.ts";
import { ChunkReader, writeParts } from "../byte_stream.ts";
import type { MemoryBudget } from "../core/memory_budget.ts";
import type { ByteSocket } from "../tls_socket.ts";
import { peerIdOf } from "./core/peer_id.ts";
import { CHANNEL_SEED_SIZE, SecioChannel } from "./core/secio/channel.ts";

/** What a connection needs to be secured. */
export interface SecioOptions {
  readonly socket: ByteSocket;
  /** Who this node is. */
  readonly key: NodeKey;
  /** What unfinished frames of all connections may take. */
  readonly budget: MemoryBudget;
  /** Why a peer that claims this id is not wanted, or null; asked before any work for it. */
  readonly refusalOf: (peerId: string) => string | null;
  readonly clock: Clock;
  /** Gives up as soon as it aborts. */
  readonly signal: AbortSignal;
}

/** How long a handshake may take. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Identifies both sides of a connection and encrypts it (spec/network.md, section 9); who dialled
 * makes no difference. Rejects with the reason and closes the connection when that fails.
 */
export async function secureSocket(options: SecioOptions): Promise<SecioSocket> {
  const { socket, key, budget, clock, signal } = options;
  const channel = new SecioChannel({
    key,
    seed: randomBytes(CHANNEL_SEED_SIZE),
    budget,
    refusalOf: (publicKey) => options.refusalOf(peerIdOf(publicKey)),
  });
  let reason: string | null = null;
  // a second close of a socket throws, and both the timer and the signal may want it
  const giveUp = (why: string) => {
    if (reason !== null) return;
    reason = why;
    socket.close();
  };
  const stop = () => giveUp(signal.reason instanceof Error ? signal.reason.message : "stopped");
  const late = `no handshake within ${HANDSHAKE_TIMEOUT_MS} ms, the peer may have no key_file`;
  const timer = clock.setTimer(HANDSHAKE_TIMEOUT_MS, () => giveUp(late));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    if (reason === null) socket.setNoDelay();
    const secured = await shakeHands(socket, channel);
    if (reason !== null) throw new Error("too late");
    return secured;
  } catch (cause) {
    channel.close();
    const why = reason;
    giveUp("the handshake failed");
    throw why === null ? cause : new Error(why, { cause });
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", stop);
  }
}

async function shakeHands(socket: ByteSocket, channel: SecioChannel): Promise<SecioSocket> {
  const reader = new ChunkReader(socket);
  for (;;) {
    await writeParts(socket, channel.takeOutput());
    if (channel.peerKey !== null) {
      return new SecioSocket({ socket, channel, reader, peerId: peerIdOf(channel.peerKey) });
    }
    const chunk = await reader.read();
    if (chunk === null) {
      throw new Error("the peer broke the handshake off, it may have no key_file");
    }
    const problem = channel.receive(chunk);
    if (problem !== null) throw new Error(problem);
  }
}

/** What a {@linkcode SecioSocket} is made of. */
interface SocketParts {
  readonly socket: ByteSocket;
  readonly channel: SecioChannel;
  readonly reader: ChunkReader;
  readonly peerId: string;
}

/** An encrypted connection to a known node. */
export class SecioSocket implements ByteSocket {
  readonly #parts: SocketParts;
  /** Decrypted and not yet read. */
  #unread: Bytes[];

  constructor(parts: SocketParts) {
    this.#parts = parts;
    this.#unread = [...parts.channel.takePlain()];
  }

  /** Who the peer is. */
  get peerId(): string {
    return this.#parts.peerId;
  }

  get remoteAddr() {
    return this.#parts.socket.remoteAddr;
  }

  async read(buffer: Bytes): Promise<number | null> {
    const { channel, reader } = this.#parts;
    for (;;) {
      const [first] = this.#unread;
      if (first !== undefined) return this.#take(first, buffer);
      const chunk = await reader.read();
      if (chunk === null) return null;
      const problem = channel.receive(chunk);
      if (problem !== null) throw new Error(problem);
      this.#unread = [...channel.takePlain()];
    }
  }

  async write(bytes: Bytes): Promise<number> {
    const { channel, socket } = this.#parts;
    const sealed = channel.seal(bytes);
    if (sealed === null) throw new Error("the connection is closed");
    await writeParts(socket, [joinBytes(sealed.frame)]);
    return sealed.taken;
  }

  setNoDelay(): void {
    this.#parts.socket.setNoDelay();
  }

  close(): void {
    this.#parts.channel.close();
    this.#parts.socket.close();
  }

  #take(chunk: Bytes, buffer: Bytes): number {
    const size = Math.min(chunk.length, buffer.length);
    buffer.set(chunk.subarray(0, size));
    if (size === chunk.length) this.#unread.shift();
    else this.#unread[0] = chunk.subarray(size);
    return size;
  }
}
