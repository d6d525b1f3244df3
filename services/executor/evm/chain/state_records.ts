import { HASH_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, readU64be, u64be } from "../../../../shared/bytes/mod.ts";
import { ROOM_IN_FRONT } from "../trie/mod.ts";
import type { NodePlace, StateChanges, StateStore } from "../state/committed_state.ts";
import { keyOf, Kind, type Put, type RecordReader, RemovedStateError } from "./records.ts";

/** Ends the path in the key of a node; sorts behind every nibble. */
const PATH_END = 0x10;

/** What the keys of all nodes of a trie begin with, and no others. */
export function nodePrefix(owner: Bytes | null): Bytes {
  return owner === null ? keyOf(Kind.AccountNode, EMPTY_BYTES) : keyOf(Kind.StorageNode, owner);
}

/** Size of the key of a node. */
function nodeKeySize(prefix: Bytes, { path, hash }: PlaceInTrie): number {
  return prefix.length + path.length + 1 + hash.length;
}

/**
 * Writes the key of a node: what stands for the trie, a byte for each nibble of the path, `10`, the
 * hash. So all versions of one place lie side by side.
 */
function writeNodeKey(key: Bytes, prefix: Bytes, { path, hash }: PlaceInTrie): void {
  const pathEnd = prefix.length + path.length;
  key.set(prefix);
  key.set(path, prefix.length);
  key[pathEnd] = PATH_END;
  key.set(hash, pathEnd + 1);
}

type PlaceInTrie = Pick<NodePlace, "path" | "hash">;

/** The hash of a node, from its key. */
export function hashOfNode(key: Bytes): Bytes {
  return key.subarray(key.length - HASH_SIZE);
}

/** The hashes of the nodes among records. */
export function hashesOfNodes(puts: readonly Put[]): Bytes[] {
  const isNode = ([key]: Put) => key[0] === Kind.AccountNode || key[0] === Kind.StorageNode;
  return puts.filter(isNode).map(([key]) => hashOfNode(key));
}

/** Height of the block that wrote a node, from its record. */
export function heightOfNode(value: Bytes): bigint {
  return readU64be(value.subarray(0, ROOM_IN_FRONT));
}

/** Nodes, code and abis among the records. */
export function stateStore(reader: RecordReader): StateStore {
  return {
    nodes(owner) {
      const prefix = nodePrefix(owner);
      return {
        get(path, hash) {
          const key = new Uint8Array(nodeKeySize(prefix, { path, hash }));
          writeNodeKey(key, prefix, { path, hash });
          const value = reader.getSync(key);
          return value === null ? null : value.subarray(ROOM_IN_FRONT);
        },
      };
    },
    blob: (hash) => reader.getSync(keyOf(Kind.Blob, hash)),
  };
}

/**
 * As {@linkcode stateStore} for the state after an earlier block, which may be removed while it is
 * read: then, and from the start if it is gone already, there is a {@linkcode RemovedStateError}.
 */
export function pastStateStore(reader: RecordReader, height: bigint): StateStore {
  requireState(reader, height);
  const store = stateStore(reader);
  return {
    nodes(owner) {
      const nodes = store.nodes(owner);
      return {
        get(path, hash) {
          const node = nodes.get(path, hash);
          if (node === null) requireState(reader, height);
          return node;
        },
      };
    },
    blob: store.blob,
  };
}

/** Throws a {@linkcode RemovedStateError} for a height whose state was removed. */
export function requireState(reader: RecordReader, height: bigint): void {
  const bytes = reader.getSync(OLDEST_STATE_KEY);
  if (bytes === null || height >= readU64be(bytes)) return;
  const oldest = readU64be(bytes);
  throw new RemovedStateError(
    `Cannot read the state of height ${height}: it was removed, the oldest one left is ${oldest}`,
  );
}

const OLDEST_STATE_KEY = keyOf(Kind.OldestState, EMPTY_BYTES);

/** Records that all states below a height are incomplete. */
export function putOldestState(height: bigint): Put {
  return [OLDEST_STATE_KEY, u64be(height)];
}

/** Records what a commit of the state adds; a node with the height of the block in front of it. */
export function putState({ nodes, blobs }: StateChanges, height: bigint): Put[] {
  const heightBytes = u64be(height);
  const puts = keysOf(nodes).map((key, index): Put => {
    const { buffer, byteOffset, length } = nodes[index]?.node ?? EMPTY_BYTES;
    const value = new Uint8Array(buffer, byteOffset - ROOM_IN_FRONT, ROOM_IN_FRONT + length);
    value.set(heightBytes);
    return [key, value];
  });
  for (const [hash, bytes] of blobs) puts.push([keyOf(Kind.Blob, hash), bytes]);
  return puts;
}

/** The keys of nodes, all in one buffer: small ones of their own would fragment the memory. */
function keysOf(places: readonly NodePlace[]): Bytes[] {
  const prefixes = new Map<Bytes | null, Bytes>();
  const prefixOf = (owner: Bytes | null) => {
    const prefix = prefixes.get(owner) ?? nodePrefix(owner);
    prefixes.set(owner, prefix);
    return prefix;
  };
  const sizes = places.map((place) => nodeKeySize(prefixOf(place.owner), place));
  const buffer = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  return places.map((place, index) => {
    const key = buffer.subarray(at, at += sizes[index] ?? 0);
    writeNodeKey(key, prefixOf(place.owner), place);
    return key;
  });
}

/** What the state after a block does not need any more of those before. */
export interface Removals {
  readonly height: bigint;
  /** Keys of nodes; one that a block from this height on wrote again is needed. */
  readonly nodes: readonly Bytes[];
  /** What the keys of storages begin with whose nodes from before this height are not needed. */
  readonly cleared: readonly Bytes[];
}

/** The removals of a height. */
export function removalsKey(height: bigint): Bytes {
  return keyOf(Kind.Removals, u64be(height));
}

/** Whether a record holds removals. */
export function isRemovals([key]: Put): boolean {
  return key[0] === Kind.Removals;
}

/** Records what a commit replaced: its keys and beginnings of keys, each behind its size. */
export function putRemovals(
  { removed, cleared }: Pick<StateChanges, "removed" | "cleared">,
  height: bigint,
): Put {
  const keys = [...keysOf(removed), ...cleared.map(nodePrefix)];
  const value = new Uint8Array(keys.reduce((size, key) => size + 1 + key.length, 0));
  let at = 0;
  for (const key of keys) {
    value[at++] = key.length;
    value.set(key, at);
    at += key.length;
  }
  return [removalsKey(height), value];
}

/**
 * Makes the removals that an abandoned block of this height left behind, if it did, void: they
 * would remove what the chain needs now.
 */
export function putNoRemovals(reader: RecordReader, height: bigint): Put[] {
  if (reader.getSync(removalsKey(height)) === null) return [];
  return [putRemovals({ removed: [], cleared: [] }, height)];
}

/** Size of {@linkcode nodePrefix} of a storage, below that of any key of a node. */
const STORAGE_PREFIX_SIZE = 21;

/** Reads what {@linkcode putRemovals} wrote. */
export function readRemovals([key, value]: Put): Removals {
  const nodes: Bytes[] = [];
  const cleared: Bytes[] = [];
  for (let at = 0; at < value.length;) {
    const end = at + 1 + (value[at] ?? 0);
    const entry = value.subarray(at + 1, end);
    (entry.length === STORAGE_PREFIX_SIZE ? cleared : nodes).push(entry);
    at = end;
  }
  return { height: readU64be(key.subarray(1)), nodes, cleared };
}
