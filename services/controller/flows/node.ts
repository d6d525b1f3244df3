import type { ConsensusConfiguration } from "../../../proto/gen/common.ts";
import type { ChainStatus } from "../../../proto/gen/sync.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock, Random } from "../../../shared/clock/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import type { History, Rules } from "../auth/mod.ts";
import type { ChainState } from "../chain/mod.ts";
import type { NodeTable } from "../node_manager/mod.ts";
import type { Pool } from "../pool/mod.ts";
import type { Ports } from "../ports.ts";
import type { SyncCore } from "../sync/mod.ts";
import type { InitialSystemConfig, SystemConfig } from "../system_config/mod.ts";
import type { GenesisParameters } from "../../../shared/block/mod.ts";
import type { Activity } from "./activity.ts";
import type { Lock } from "./lock.ts";

/** What the operator decides. */
export interface Settings {
  /** 20 bytes. */
  readonly nodeAddress: Bytes;
  readonly genesis: GenesisParameters;
  /** Counts for a new chain only. */
  readonly systemConfig: InitialSystemConfig;
  readonly packageLimit: number;
  /** Transactions that may wait for a block. */
  readonly poolCountMax: number;
  /** Their encoded bytes. */
  readonly poolSizeMax: number;
  /** Quota of a transaction that is admitted and of a block that is made here; null: any. */
  readonly quotaLimit: bigint | null;
  readonly enableForward: boolean;
  /** Transactions that are forwarded in one message at most. */
  readonly forwardCountMax: number;
  /** For how long transactions are collected before they are forwarded together. */
  readonly forwardDelayMs: number;
  readonly retryIntervalMs: number;
  /** Pause between broadcasts of the own status. */
  readonly introductionIntervalMs: number;
  readonly growthCheckIntervalMs: number;
  readonly syncInterval: number;
  readonly syncRequestsMax: number;
  readonly forceSyncEpoch: bigint;
}

/** What a node gets from outside: with fakes for these the simulator runs whole nodes. */
export interface Environment {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Aborts when the node has to stop. */
  readonly signal: AbortSignal;
  /** The hash function of a crypto suite. */
  readonly loadHash: (suiteName: string) => Promise<HashFunction>;
}

/** A node that has loaded its chain: the state that all flows share. */
export interface Node {
  readonly settings: Settings;
  readonly env: Environment;
  readonly hash: HashFunction;
  readonly signatureSize: number;
  readonly chain: ChainState;
  readonly history: History;
  readonly pool: Pool;
  readonly peers: NodeTable;
  readonly sync: SyncCore;
  /** Held while the tip may move. */
  readonly lock: Lock;
  /** What happened last, and when. */
  readonly activity: Activity;
  /** In force after the tip. */
  systemConfig: SystemConfig;
  /** Height when the process started. */
  readonly startHeight: bigint;
}

/** What transactions are judged by at this moment. */
export function rulesOf({ systemConfig, chain, history }: Node): Rules {
  return { config: systemConfig, height: chain.tip.height, history };
}

/**
 * What the transactions of the decided block after a height are judged by: the others may have
 * decided as nodes of 6.3 do, whose history ends where the present block limit says.
 */
export function rulesOfDecided(node: Node, height: bigint): Rules {
  const { systemConfig: config, history } = node;
  return { config, height, history: history.after(height - config.blockLimit) };
}

/** The status that this node tells its peers. */
export function ownStatus({ systemConfig, chain, settings }: Node): ChainStatus {
  return {
    version: systemConfig.version,
    chainId: systemConfig.chainId,
    height: chain.tip.height,
    hash: { hash: chain.tip.hash },
    address: { address: settings.nodeAddress },
  };
}

/** What consensus has to know to go on after a height. */
export function consensusConfig(
  { systemConfig }: Pick<Node, "systemConfig">,
  height: bigint,
): ConsensusConfiguration {
  const { blockIntervalSeconds, validators } = systemConfig;
  return { height, blockInterval: blockIntervalSeconds, validators: [...validators] };
}
