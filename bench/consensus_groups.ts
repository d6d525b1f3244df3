/**
 * Groups of validators that decide some blocks in this process, and what that took.
 *
 * @module
 */

import { Message, MessageType } from "../proto/gen/eraftpb.ts";
import { toHex, u64be } from "../shared/bytes/mod.ts";
import { encode } from "../shared/codec/mod.ts";
import type { CryptoSuite } from "../shared/crypto/mod.ts";
import type { CoreCrypto } from "../services/consensus/bft/core/crypto.ts";
import { suiteCrypto } from "../services/consensus/bft/suite_crypto.ts";
import { bootstrapState } from "../services/consensus/raft/core/interface.ts";
import { CoreGroup, DEFAULT_TICKS } from "../services/consensus/testing/raft_runner.ts";
import { type Delivery, QuietNet, type Validator } from "../tests/sim/quiet/quiet_bft.ts";

/** Blocks before those that are measured, and those. */
const WARM_UP = 30;
export const BLOCKS = 20;

/** Groups of raft that run one after the other: the middle of their times counts. */
const RAFT_RUNS = 51;

/** Data of a block: about 30 hashes of transactions. */
const BLOCK_SIZE = 1_000;

/** Signatures of a suite, or fake ones. */
export interface Signatures {
  readonly name: string;
  readonly crypto: CoreCrypto;
  /** Makes so many validators. */
  validators(count: number): Validator[];
}

/** What the measured blocks of a group took. */
export interface GroupCost {
  readonly size: number;
  readonly deliveries: readonly Omit<Delivery, "cpuMs">[];
  /** Time of all nodes for one message. */
  readonly messageUs: number;
}

export interface BftCost extends GroupCost {
  readonly deliveries: readonly Delivery[];
  readonly proofSize: number;
}

/** Validators with keys of their own; they sign as their kms would. */
export function suiteSignatures(suite: CryptoSuite): Signatures {
  const validators = (count: number) =>
    Array.from({ length: count }, () => {
      const secretKey = suite.generateSecretKey();
      const publicKey = suite.publicKeyOf(secretKey);
      return {
        address: toHex(suite.addressOf(publicKey)),
        sign: (hash: Uint8Array) => suite.sign(secretKey, hash, publicKey),
      };
    });
  return { name: suite.name, crypto: suiteCrypto(suite), validators };
}

/** Runs a quiet chain. */
export function runBft({ crypto, validators }: Signatures, size: number): BftCost {
  const net = new QuietNet({
    validators: validators(size),
    crypto,
    blockSize: BLOCK_SIZE,
    nowMs: () => performance.now(),
  });
  net.runTo(BigInt(WARM_UP));
  net.deliveries.length = 0;
  net.runTo(BigInt(WARM_UP + BLOCKS));
  const { deliveries, proofSize } = net;
  const totalMs = deliveries.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  return { size, deliveries, proofSize, messageUs: (totalMs * 1_000) / deliveries.length };
}

const RAFT_NAMES: Readonly<Partial<Record<MessageType, string>>> = {
  [MessageType.APPEND]: "append",
  [MessageType.APPEND_RESPONSE]: "append response",
  [MessageType.HEARTBEAT]: "heartbeat",
  [MessageType.HEARTBEAT_RESPONSE]: "heartbeat response",
};

/** Runs quiet groups whose leader proposes a block whenever it sends heartbeats. */
export function runRaft(size: number): GroupCost {
  const costs = Array.from({ length: RAFT_RUNS }, () => runRaftOnce(size));
  costs.sort((left, right) => left.messageUs - right.messageUs);
  const middle = costs[RAFT_RUNS >> 1];
  if (middle === undefined) throw new Error("Nothing was run");
  return middle;
}

function runRaftOnce(size: number): GroupCost {
  const ids = Array.from({ length: size }, (_, index) => BigInt(index + 1));
  const group = new CoreGroup(new Map(ids.map((id) => [id, bootstrapState(ids)])));
  group.elect(1n);
  group.sent.length = 0;
  const startMs = performance.now();
  for (let block = 0; block < BLOCKS; block++) {
    const data = new Uint8Array(BLOCK_SIZE);
    data.set(u64be(BigInt(block)));
    group.core(1n).propose(data);
    group.settle();
    for (const id of ids) group.tick(id, DEFAULT_TICKS.heartbeatTicks);
  }
  const totalMs = performance.now() - startMs;
  const deliveries = group.sent.map((message) => ({
    type: RAFT_NAMES[message.msgType] ?? "other",
    bodySize: encode(Message, message).length,
  }));
  return { size, deliveries, messageUs: (totalMs * 1_000) / deliveries.length };
}
