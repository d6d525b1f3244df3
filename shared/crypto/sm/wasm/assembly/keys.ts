/**
 * Tables of the keys that come again.
 *
 * A key gets its table with its second valid signature; only valid ones count, so forged ones cannot
 * make us build tables. When all places are taken, the key that was used longest ago goes, but only
 * for every eighth key that asks: with more senders than places each table would otherwise be gone
 * before it is used again, and building it costs two verifications.
 *
 * @module
 */

import { HASH } from "./sm3";
import { buildTable, tableSize } from "./tables";

/** Keys with a table. */
export const KEYS_MAX = 512;
/** Width of their tables: 36 KiB each, so 18 MiB for all. */
export const KEY_WIDTH = 8;
/** Keys with one valid signature that are remembered. */
const CANDIDATES_MAX = 1024;

/** Keys that ask for a place, when all are taken, until one gets it. */
const ASKED_PER_PLACE = 8;

/** Bytes of a public key. */
export const PUBLIC_KEY: i32 = 64;

/** Of every place: public key ‖ ZA ‖ hash of the public key. */
const IDENTITY: i32 = PUBLIC_KEY + HASH + HASH;

const FINGERPRINTS: usize = memory.data(KEYS_MAX * 8);
const LAST_USES: usize = memory.data(KEYS_MAX * 8);
const IDENTITIES: usize = memory.data(KEYS_MAX * IDENTITY);
const CANDIDATES: usize = memory.data(CANDIDATES_MAX * 8);
/** The tables lie behind everything else; their memory is touched, and so used, as keys come. */
const TABLES: usize = (__heap_base + 63) & ~63;

let keysCount = 0;
let candidatesCount = 0;
let nextCandidate = 0;
let clock: u64 = 0;
let askedCount = 0;
let builtCount = 0;

/** Whether the memory of the module holds all tables. */
export function hasRoom(): bool {
  return tableOf(KEYS_MAX) <= <usize>memory.size() << 16;
}

/** The low part of x: a different key with the same one costs a comparison, no more. */
@inline
function fingerprint(publicKey: usize): u64 {
  return load<u64>(publicKey + 24);
}

@inline
function identity(place: i32): usize {
  return IDENTITIES + <usize>place * IDENTITY;
}

/** How many keys have a table. */
export function tableCount(): i32 {
  return keysCount;
}

/** How many tables were built since the start. */
export function tablesBuilt(): i32 {
  return builtCount;
}

/** The place of a key that has a table, or -1. */
export function findKey(publicKey: usize): i32 {
  const wanted = fingerprint(publicKey);
  for (let place = 0; place < keysCount; place++) {
    if (
      load<u64>(FINGERPRINTS + (place << 3)) === wanted &&
      memory.compare(identity(place), publicKey, PUBLIC_KEY) === 0
    ) return place;
  }
  return -1;
}

/** The table of a place. */
@inline
export function tableOf(place: i32): usize {
  return TABLES + <usize>place * tableSize(KEY_WIDTH);
}

/** ZA of the key of a place. */
@inline
export function identityHashOf(place: i32): usize {
  return identity(place) + PUBLIC_KEY;
}

/** The hash of the public key of a place. */
@inline
export function publicKeyHashOf(place: i32): usize {
  return identity(place) + PUBLIC_KEY + HASH;
}

/** Notes that the key of a place was used. */
export function touchKey(place: i32): void {
  store<u64>(LAST_USES + (place << 3), ++clock);
}

/** Whether the key had a valid signature before; if not, remembers this one. */
function isCandidate(publicKey: usize): bool {
  const wanted = fingerprint(publicKey);
  for (let i = 0; i < candidatesCount; i++) {
    if (load<u64>(CANDIDATES + (i << 3)) === wanted) return true;
  }
  store<u64>(CANDIDATES + (nextCandidate << 3), wanted);
  nextCandidate = (nextCandidate + 1) % CANDIDATES_MAX;
  if (candidatesCount < CANDIDATES_MAX) candidatesCount++;
  return false;
}

/** A place for a key that asks, or -1. */
function freePlace(): i32 {
  if (keysCount < KEYS_MAX) return keysCount++;
  if (++askedCount < ASKED_PER_PLACE) return -1;
  askedCount = 0;
  let oldest = 0;
  for (let place = 1; place < KEYS_MAX; place++) {
    if (load<u64>(LAST_USES + (place << 3)) < load<u64>(LAST_USES + (oldest << 3))) oldest = place;
  }
  return oldest;
}

/**
 * Notes a valid signature of a key without a table; builds it with the second one. `point` is the
 * key as an affine point, the hashes are those of {@linkcode identityHashOf} and
 * {@linkcode publicKeyHashOf}.
 */
export function noteKey(
  publicKey: usize,
  point: usize,
  identityHash: usize,
  publicKeyHash: usize,
): void {
  if (!isCandidate(publicKey)) return;
  const place = freePlace();
  if (place < 0) return;
  store<u64>(FINGERPRINTS + (place << 3), fingerprint(publicKey));
  memory.copy(identity(place), publicKey, PUBLIC_KEY);
  memory.copy(identityHashOf(place), identityHash, HASH);
  memory.copy(publicKeyHashOf(place), publicKeyHash, HASH);
  touchKey(place);
  buildTable(tableOf(place), point, KEY_WIDTH);
  builtCount++;
}
