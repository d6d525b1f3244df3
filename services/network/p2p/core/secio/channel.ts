import { type Bytes, concatBytes, equalBytes, u32be } from "../../../../../shared/bytes/mod.ts";
import {
  AGREEMENT_SEED_SIZE,
  type AgreementKey,
  createAgreementKey,
  type NodeKey,
  sha256,
} from "../../../../../shared/crypto/mod.ts";
import { FrameReader } from "../../../core/frame_reader.ts";
import { ConnectionMemory, type MemoryBudget } from "../../../core/memory_budget.ts";
import { type Choice, choose, deriveKeys, OWN_LISTS } from "./choice.ts";
import {
  decodeExchange,
  decodePropose,
  encodeExchange,
  encodePropose,
  type Propose,
} from "./messages.ts";
import { FrameOpener, FrameSealer } from "./sealed_frames.ts";

/** What a channel begins with. */
export interface ChannelOptions {
  readonly key: NodeKey;
  /** Unpredictable bytes: at least {@linkcode CHANNEL_SEED_SIZE}, never used before. */
  readonly seed: Bytes;
  /** What unfinished frames of all channels may take. */
  readonly budget: MemoryBudget;
  /** Why a peer that claims this public key is not wanted, or null; asked before any work for it. */
  readonly refusalOf: (publicKey: Bytes) => string | null;
}

/** Size of the nonce of a proposal. */
const NONCE_SIZE = 16;

/** Random bytes that one channel takes. */
export const CHANNEL_SEED_SIZE = NONCE_SIZE + AGREEMENT_SEED_SIZE;

/** Messages of a handshake have less than 300 bytes. */
const HANDSHAKE_FRAME_SIZE_MAX = 4_096;

/** Largest frame before the peer has shown that its keys work: an echo has 80 bytes. */
const ECHO_FRAME_SIZE_MAX = 64 * 1024;

/** Largest frame that peers may send (spec/network.md, section 9). */
const FRAME_SIZE_MAX = 8 * 1024 * 1024;

interface Exchanging {
  readonly kind: "exchanging";
  readonly choice: Choice;
  readonly agreementKey: AgreementKey;
  readonly peer: Propose;
  /** As it came: it is what the signature is about. */
  readonly peerBytes: Bytes;
}

interface Secured {
  readonly kind: "echoing" | "open";
  readonly peerKey: Bytes;
  readonly sealer: FrameSealer;
  readonly opener: FrameOpener;
}

type State = { readonly kind: "proposing" } | Exchanging | Secured | { readonly kind: "failed" };

/**
 * One secio connection without its socket (spec/network.md, section 9): both sides say who they
 * are, agree on keys, prove that the keys work, and encrypt everything from then on.
 */
export class SecioChannel {
  readonly #options: ChannelOptions;
  readonly #own: Propose;
  readonly #ownBytes: Bytes;
  readonly #reader: FrameReader;
  #state: State = { kind: "proposing" };
  #output: Bytes[] = [];
  #plain: Bytes[] = [];

  constructor(options: ChannelOptions) {
    this.#options = options;
    const { key, seed, budget } = options;
    const nonce = seed.slice(0, NONCE_SIZE);
    this.#own = { nonce, publicKey: key.publicKey, ...OWN_LISTS };
    this.#ownBytes = encodePropose(this.#own);
    this.#reader = new FrameReader({
      sizeMax: HANDSHAKE_FRAME_SIZE_MAX,
      memory: new ConnectionMemory(budget),
    });
    this.#send(this.#ownBytes);
  }

  /** The public key of the peer once it is proven; null before. */
  get peerKey(): Bytes | null {
    return this.#state.kind === "open" ? this.#state.peerKey : null;
  }

  /**
   * Takes bytes off the connection, which must not change afterwards.
   *
   * @returns why the channel is of no use any more, or null
   */
  receive(chunk: Bytes): string | null {
    this.#reader.push(chunk);
    for (;;) {
      const frame = this.#reader.next();
      if (frame === null) return null;
      const problem = typeof frame === "string" ? this.#refusal(frame) : this.#handle(frame);
      if (problem === null) continue;
      this.close();
      return problem;
    }
  }

  /** Takes what the peer has sent, decrypted and in its order. */
  takePlain(): readonly Bytes[] {
    const plain = this.#plain;
    this.#plain = [];
    return plain;
  }

  /** Takes what is to be written to the connection for the handshake. */
  takeOutput(): readonly Bytes[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** Encrypts the first of the bytes; null unless the channel is open. */
  seal(bytes: Bytes): { readonly frame: readonly Bytes[]; readonly taken: number } | null {
    return this.#state.kind === "open" ? this.#state.sealer.seal(bytes) : null;
  }

  /** Forgets the keys and what is unfinished. */
  close(): void {
    this.#state = { kind: "failed" };
    this.#reader.clear();
  }

  /** A header of yamux, which is what plain neighbours begin with, is an absurd length. */
  #refusal(problem: string): string {
    const isFirst = this.#state.kind === "proposing";
    return isFirst ? `the peer does not encrypt, it may have no key_file: ${problem}` : problem;
  }

  #handle(frame: Bytes): string | null {
    const state = this.#state;
    switch (state.kind) {
      case "proposing":
        return this.#handlePropose(frame);
      case "exchanging":
        return this.#handleExchange(state, frame);
      case "failed":
        return "the channel is closed";
      default:
        return this.#handleSealed(state, frame);
    }
  }

  #handlePropose(frame: Bytes): string | null {
    const peer = decodePropose(frame);
    if (peer === null) return "the peer's proposal is malformed";
    if (equalBytes(peer.publicKey, this.#own.publicKey)) return "the peer is this node itself";
    const { key, seed, refusalOf } = this.#options;
    const refusal = refusalOf(peer.publicKey);
    if (refusal !== null) return refusal;
    const choice = choose(this.#own, peer);
    if (typeof choice === "string") return choice;
    const agreementKey = createAgreementKey(choice.agreement, seed.slice(NONCE_SIZE));
    const { publicKey } = agreementKey;
    const signature = key.sign(signedDigest(this.#ownBytes, frame, publicKey));
    this.#send(encodeExchange({ publicKey, signature }));
    this.#state = { kind: "exchanging", choice, agreementKey, peer, peerBytes: frame };
    return null;
  }

  #handleExchange(
    { choice, agreementKey, peer, peerBytes }: Exchanging,
    frame: Bytes,
  ): string | null {
    const exchange = decodeExchange(frame);
    if (exchange === null) return "the peer's exchange is malformed";
    const digest = signedDigest(peerBytes, this.#ownBytes, exchange.publicKey);
    const { publicKey } = peer;
    if (!this.#options.key.verify({ publicKey, digest, signature: exchange.signature })) {
      return "the peer's signature is wrong";
    }
    const secret = agreementKey.agree(exchange.publicKey);
    if (secret === null) return "the peer's key cannot be agreed with";
    const keys = deriveKeys(choice, secret);
    const sealer = new FrameSealer(choice.cipher, keys.own);
    const opener = new FrameOpener(choice.cipher, keys.peer);
    this.#output.push(...sealer.seal(peer.nonce).frame);
    this.#state = { kind: "echoing", peerKey: peer.publicKey, sealer, opener };
    this.#reader.setSizeMax(ECHO_FRAME_SIZE_MAX);
    return null;
  }

  #handleSealed(state: Secured, frame: Bytes): string | null {
    const plain = state.opener.open(frame);
    if (plain === null) return "a frame of the peer cannot be decrypted";
    if (state.kind === "open") {
      if (plain.length > 0) this.#plain.push(plain);
      return null;
    }
    if (!equalBytes(plain, this.#own.nonce)) return "the peer does not know this side's nonce";
    this.#state = { ...state, kind: "open" };
    this.#reader.setSizeMax(FRAME_SIZE_MAX);
    return null;
  }

  #send(message: Bytes): void {
    this.#output.push(u32be(message.length), message);
  }
}

/** What a side signs: the proposals, its own first, and its key for this connection. */
function signedDigest(first: Bytes, second: Bytes, publicKey: Bytes): Bytes {
  return sha256(concatBytes(first, second, publicKey));
}
