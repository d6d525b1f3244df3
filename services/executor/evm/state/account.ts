import {
  type Bytes,
  EMPTY_BYTES,
  equalBytes,
  fromHex,
  toHex,
} from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { type Word, wordOfBytes } from "../word.ts";
import { decode, RlpError, RlpWriter } from "../rlp/mod.ts";
import { EMPTY_ROOT } from "../trie/mod.ts";
import { type Storage, WrittenStorage } from "./storage.ts";

export { EMPTY_ROOT };

/** Code or abi of an account: stored under the Keccak-256 of its bytes. */
export class Blob {
  /**
   * @param key the hash as hex text: 80 bytes of memory, where a byte string takes 230
   * @param fresh the bytes until they are in the store, null from then on
   */
  constructor(readonly key: string, public fresh: Bytes | null) {}

  /** The hash. */
  get hash(): Bytes {
    return fromHex(this.key);
  }
}

/** The blob without bytes, which is never stored. */
export const EMPTY_BLOB = new Blob(
  "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
  null,
);

/** The blob of bytes that may be new. */
export function blobOf(bytes: Bytes, keccak: HashFunction): Blob {
  if (bytes.length === 0) return EMPTY_BLOB;
  return new Blob(toHex(keccak(bytes)), bytes);
}

/** An account (spec/executor_evm.md, section 5.1); replaced, never changed. */
export interface Account {
  readonly nonce: Word;
  readonly balance: Word;
  /** Its slots, null when it has none. What is written belongs to one overlay. */
  readonly storage: Storage | WrittenStorage | null;
  readonly code: Blob;
  readonly abi: Blob;
}

/** An account of the last commit. */
export interface CommittedAccount extends Account {
  readonly storage: Storage | null;
}

/** The slots of the last commit that an account builds upon, null when there are none. */
export function committedStorage({ storage }: Account): Storage | null {
  return storage instanceof WrittenStorage ? storage.committed : storage;
}

const writer = new RlpWriter();

/** Encodes an account. */
export function encodeAccount(account: CommittedAccount): Bytes {
  const { nonce, balance, storage, code, abi } = account;
  writer.begin();
  writer.bytes(abi.hash);
  writer.bytes(code.hash);
  writer.bytes(storage?.root ?? EMPTY_ROOT);
  writer.uint(balance);
  writer.uint(nonce);
  writer.list(0);
  return writer.take().slice();
}

/** Reads what {@linkcode encodeAccount} wrote; throws {@linkcode RlpError} for anything else. */
export function decodeAccount(
  bytes: Bytes,
  openStorage: (root: Bytes) => Storage,
): CommittedAccount {
  const fields = decode(bytes);
  if (fields instanceof Uint8Array || fields.length !== 5) {
    throw new RlpError("Cannot read an account: it must be a list of 5 items");
  }
  const [nonce, balance, root = EMPTY_ROOT, codeHash, abiHash] = fields.map((field) => {
    if (!(field instanceof Uint8Array) || field.length > 32) {
      throw new RlpError("Cannot read an account: its items must be strings of up to 32 bytes");
    }
    return field;
  });
  return {
    nonce: wordOfBytes(nonce ?? EMPTY_BYTES),
    balance: wordOfBytes(balance ?? EMPTY_BYTES),
    storage: equalBytes(root, EMPTY_ROOT) ? null : openStorage(root),
    code: storedBlob(codeHash ?? EMPTY_BYTES),
    abi: storedBlob(abiHash ?? EMPTY_BYTES),
  };
}

function storedBlob(hash: Bytes): Blob {
  const key = toHex(hash);
  return key === EMPTY_BLOB.key ? EMPTY_BLOB : new Blob(key, null);
}
