import type { RawTransaction } from "../../proto/gen/blockchain.ts";
import type {
  ConsensusConfiguration,
  NodeNetInfo,
  ProposalWithProof,
} from "../../proto/gen/common.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { StoreRecord } from "./chain/mod.ts";
import type { MessageType } from "./node_manager/mod.ts";

/*
 * The neighbours of a controller as its core sees them. No method throws because a neighbour is
 * away: that is the neighbour's `...ServerNotReady` code. The service implements them over gRPC,
 * tests and the simulator in one process.
 */

/** A value read from storage; empty unless the code is 0. */
export interface Loaded {
  readonly code: StatusCode;
  readonly value: Bytes;
}

/** The storage service. */
export interface StoragePort {
  load(region: number, key: Bytes): Promise<Loaded>;
  /** Resolves with 0 once the record is on disk. */
  store(record: StoreRecord): Promise<StatusCode>;
}

/** What executing a block gave; the hash is empty when there is none. */
export interface Executed {
  readonly code: StatusCode;
  readonly stateRoot: Bytes;
}

/** The executor service. */
export interface ExecutorPort {
  /** Executes an encoded `blockchain.Block`. */
  exec(encodedBlock: Bytes): Promise<Executed>;
}

/** What the kms says about its algorithms. */
export interface CryptoInfo {
  readonly code: StatusCode;
  readonly name: string;
  readonly signatureSize: number;
}

/** A signature, or the address that made one; empty unless the code is 0. */
export interface KmsResult {
  readonly code: StatusCode;
  readonly bytes: Bytes;
}

/** The kms service. */
export interface KmsPort {
  cryptoInfo(): Promise<CryptoInfo>;
  /** Signs a hash with the node's key. */
  sign(hash: Bytes): Promise<KmsResult>;
  recover(hash: Bytes, signature: Bytes): Promise<KmsResult>;
  /** 0 when hash and signature of all are right, else the code of the first that is wrong. */
  checkTransactions(transactions: readonly RawTransaction[]): Promise<StatusCode>;
}

/** The consensus service. */
export interface ConsensusPort {
  reconfigure(config: ConsensusConfiguration): Promise<StatusCode>;
  /** Whether the proof of a block that a peer sent is one. */
  checkBlock(block: ProposalWithProof): Promise<StatusCode>;
}

/** Sessions that the network has; null when it is away. */
export type NetInfo = readonly NodeNetInfo[] | null;

/** The network service. */
export interface NetworkPort {
  /** Asks for messages of the module `controller`. */
  register(): Promise<StatusCode>;
  /** Sends to the peer of one session. */
  send(origin: bigint, type: MessageType, payload: Bytes): Promise<StatusCode>;
  /** Sends to every session. */
  broadcast(type: MessageType, payload: Bytes): Promise<StatusCode>;
  /** Null when the network is away. */
  peerCount(): Promise<bigint | null>;
  peersNetInfo(): Promise<NetInfo>;
  addNode(node: NodeNetInfo): Promise<StatusCode>;
}

/** The write-ahead log of blocks that are being stored (spec/controller.md, 18). */
export interface WalPort {
  /** Resolves once the block is on disk. */
  append(height: bigint, encodedBlock: Bytes): Promise<void>;
  /** Encoded blocks that were appended and not cleared. */
  load(): Promise<Bytes[]>;
  clear(): Promise<void>;
}

/**
 * The journal of the transactions in the pool: records in order of arrival, and among them some of
 * transactions that have left since.
 */
export interface JournalPort {
  /** Bytes that it takes up. */
  readonly size: number;
  /** Resolves once the records are on disk; rejects, and has none of them then, when they are not. */
  append(records: readonly Bytes[]): Promise<void>;
  /** What was appended before the process started, in parts of bounded size, in its order. */
  load(): AsyncIterable<readonly Bytes[]>;
  /**
   * Puts records in the place of all that was appended before this call; what is appended meanwhile
   * comes behind them. When it rejects, or the process ends before, nothing is lost.
   */
  replace(records: readonly Bytes[]): Promise<void>;
}

/** All neighbours of a controller. */
export interface Ports {
  readonly storage: StoragePort;
  readonly executor: ExecutorPort;
  readonly kms: KmsPort;
  readonly consensus: ConsensusPort;
  readonly network: NetworkPort;
  readonly wal: WalPort;
  /** Null when the pool is kept in memory only. */
  readonly journal: JournalPort | null;
}
