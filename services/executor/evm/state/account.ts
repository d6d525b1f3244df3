import { type Bytes, EMPTY_BYTES, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { type Word, wordOfBytes } from "../word.ts";
import { decode, encodeBytes, encodeList, encodeUint, RlpError } from "../rlp/mod.ts";
import { Storage, type StorageParts } from "./storage.ts";

/** Root of the empty trie, the Keccak-256 of `80` (spec/executor_evm.md, section 2). */
export const EMPTY_ROOT: Bytes = fromHex(
  "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
);

/** Code or abi of an account: stored under the Keccak-256 of its bytes. */
export interface Blob {
  readonly hash: Bytes;
  /** The hash as hex text. */
  readonly key: string;
  /** The bytes until they are in the store, null from then on. */
  fresh: Bytes | null;
}

/** The blob without bytes, which is never stored. */
export const EMPTY_BLOB: Blob = {
  hash: fromHex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
  key: "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
  fresh: null,
};

/** The blob of bytes that may be new. */
export function blobOf(bytes: Bytes, keccak: HashFunction): Blob {
  if (bytes.length === 0) return EMPTY_BLOB;
  const hash = keccak(bytes);
  return { hash, key: toHex(hash), fresh: bytes };
}

/** An account (spec/executor_evm.md, section 5.1); replaced, never changed, except its storage. */
export interface Account {
  readonly nonce: Word;
  readonly balance: Word;
  readonly storage: Storage;
  readonly code: Blob;
  readonly abi: Blob;
}

/** Encodes an account whose storage is committed. */
export function encodeAccount({ nonce, balance, storage, code, abi }: Account): Bytes {
  return encodeList([
    encodeUint(nonce),
    encodeUint(balance),
    encodeBytes(storage.root),
    encodeBytes(code.hash),
    encodeBytes(abi.hash),
  ]);
}

/** Reads what {@linkcode encodeAccount} wrote; throws {@linkcode RlpError} for anything else. */
export function decodeAccount(bytes: Bytes, storageParts: StorageParts): Account {
  const fields = decode(bytes);
  if (fields instanceof Uint8Array || fields.length !== 5) {
    throw new RlpError("Cannot read an account: it must be a list of 5 items");
  }
  const [nonce, balance, root, codeHash, abiHash] = fields.map((field) => {
    if (!(field instanceof Uint8Array) || field.length > 32) {
      throw new RlpError("Cannot read an account: its items must be strings of up to 32 bytes");
    }
    return field;
  });
  return {
    nonce: wordOfBytes(nonce ?? EMPTY_BYTES),
    balance: wordOfBytes(balance ?? EMPTY_BYTES),
    storage: new Storage((root ?? EMPTY_BYTES).slice(), storageParts),
    code: storedBlob(codeHash ?? EMPTY_BYTES),
    abi: storedBlob(abiHash ?? EMPTY_BYTES),
  };
}

function storedBlob(hash: Bytes): Blob {
  const key = toHex(hash);
  return key === EMPTY_BLOB.key ? EMPTY_BLOB : { hash: hash.slice(), key, fresh: null };
}
