import assert from "node:assert/strict";
import { type Bytes, EMPTY_BYTES, equalBytes, toHex } from "../../../shared/bytes/mod.ts";
import { nodePrefix, stateStore } from "../evm/chain/state_records.ts";
import { decode } from "../evm/rlp/mod.ts";
import { EMPTY_ROOT } from "../evm/state/account.ts";
import type { MemoryRecords } from "./memory_records.ts";
import { natives } from "./run_code.ts";
import { visitTrie } from "./visit_trie.ts";

/** What a state consists of on disk. */
export interface StoredState {
  /** Every account and slot as text, to compare states. */
  readonly content: ReadonlyMap<string, string>;
  /** The keys of all nodes, in hex. */
  readonly nodeKeys: ReadonlySet<string>;
}

/** Reads a whole state; fails when a node is missing or is not what its hash says. */
export function readStoredState(records: MemoryRecords, root: Bytes): StoredState {
  const content = new Map<string, string>();
  const nodeKeys = new Set<string>();
  const store = stateStore(records);
  const walk = (owner: Bytes | null, from: Bytes, value: (path: Bytes, value: Bytes) => void) => {
    if (equalBytes(from, EMPTY_ROOT)) return;
    const nodes = store.nodes(owner);
    const prefix = toHex(nodePrefix(owner));
    visitTrie(from, {
      node(path, hash) {
        nodeKeys.add(`${prefix}${toHex(path)}10${toHex(hash)}`);
        const node = nodes.get(path, hash);
        if (node !== null) assert.equal(toHex(natives.keccak(node)), toHex(hash));
        return node;
      },
      value,
    });
  };
  walk(null, root, (path, account) => {
    const address = bytesOfNibbles(path);
    content.set(toHex(address), toHex(account));
    const [, , storageRoot = EMPTY_BYTES] = decode(account) as Bytes[];
    const prefix = `${toHex(address)} `;
    walk(
      address,
      storageRoot,
      (slot, value) => void content.set(prefix + toHex(slot), toHex(value)),
    );
  });
  return { content, nodeKeys };
}

/** The keys of all stored nodes, in hex. */
export function storedNodeKeys(records: MemoryRecords): Set<string> {
  const prefixes = [nodePrefix(null), nodePrefix(EMPTY_BYTES)].map(toHex);
  const keys = records.entries().map(([key]) => key);
  return new Set(keys.filter((key) => prefixes.some((prefix) => key.startsWith(prefix))));
}

function bytesOfNibbles(nibbles: Bytes): Bytes {
  return Uint8Array.from(
    { length: nibbles.length / 2 },
    (_, at) => (nibbles[2 * at] ?? 0) * 16 + (nibbles[2 * at + 1] ?? 0),
  );
}
