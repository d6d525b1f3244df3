/** A handshake with the reference's library, as bytes of both directions. */
export interface RecordedHandshake {
  readonly peer_role: "dialler" | "acceptor";
  readonly peer_id: string;
  readonly peer_ciphers: string;
  readonly peer_digests: string;
  /** What this side took for random. */
  readonly seed_hex: string;
  readonly from_peer_hex: string;
  /** What this side answered: its messages, and "hello world" as soon as the channel was open. */
  readonly to_peer_hex: string;
  /** What the peer said, decrypted. */
  readonly plain_hex: string;
}

/** `secio_handshakes.json`. */
export interface SecioVectors {
  readonly own_secret_key_hex: string;
  readonly own_peer_id: string;
  readonly handshakes: readonly RecordedHandshake[];
}

/** Reads the recording. */
export function loadSecioVectors(): SecioVectors {
  const path = new URL("../../../../tests/vectors/network/secio_handshakes.json", import.meta.url);
  return JSON.parse(Deno.readTextFileSync(path));
}
