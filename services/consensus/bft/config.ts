import {
  bool,
  type ConfigOf,
  defineTable,
  hexBytes,
  integer,
  port,
  text,
  u64,
} from "../../../shared/config/mod.ts";
import { METRICS_KEYS } from "../../../shared/service/mod.ts";
import type { TimingOptions } from "./core/timing.ts";

const UNUSED = "read for the sake of existing files, without effect";

/** Table `[consensus_bft]` of config.toml (spec/consensus.md, section 2.2). */
export const BFT_TABLE = defineTable("consensus_bft", {
  network_port: port({ default: 50000, doc: "port of the network service on this host" }),
  consensus_port: port({ default: 50001, doc: "gRPC port of this service, on 127.0.0.1" }),
  controller_port: port({ default: 50004, doc: "port of the controller on this host" }),
  kms_port: port({ default: 50005, doc: "port of the kms on this host" }),
  key_id: u64({ default: 1n, doc: "key of the kms that signs votes" }),
  node_address: hexBytes({ size: 20, doc: "own address, that of the key" }),
  issue_nil_block: bool({ default: true, doc: UNUSED }),
  block_interval: integer({
    default: 3_000,
    min: 1,
    doc: "milliseconds per block until the controller tells",
  }),
  whole_phase: integer({ default: 30, min: 1, doc: "the interval is divided into so many parts" }),
  propose_phase: integer({ default: 24, min: 1, doc: "parts to wait for a proposal or votes" }),
  prevote_phase: integer({
    default: 6,
    min: 1,
    doc: "parts that the wait for a new round is made of",
  }),
  precommit_phase: integer({ default: 6, doc: UNUSED }),
  commit_phase: integer({ default: 4, doc: UNUSED }),
  low_limit_interval: integer({ default: 600, min: 1, doc: "shortest interval in milliseconds" }),
  server_retry_interval: u64({
    default: 2n,
    doc: "seconds between attempts to reach another service",
  }),
  wal_path: text({ default: "./data/wal", doc: "folder of the log of own votes" }),
  authority_path: text({ default: "./data/authorities", doc: "folder of the validator list" }),
  max_proposal_time_coef: integer({
    default: 8,
    max: 30,
    doc: "the wait for a proposal doubles at most so often",
  }),
  ...METRICS_KEYS,
});

/** Values of the table. */
export type BftConfig = ConfigOf<typeof BFT_TABLE>;

/** The part of the table that timers depend on. */
export function timingOf(config: BftConfig): TimingOptions {
  return {
    blockIntervalMs: config.block_interval,
    blockIntervalMsMin: config.low_limit_interval,
    wholePhase: config.whole_phase,
    proposePhase: config.propose_phase,
    prevotePhase: config.prevote_phase,
    proposalCoefficientMax: config.max_proposal_time_coef,
    serverRetryMs: retryMsOf(config),
  };
}

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 3_600_000;

/** Time between attempts to reach another service; never none, which would be a busy loop. */
export function retryMsOf(config: BftConfig): number {
  const wantedMs = Number(config.server_retry_interval) * 1_000;
  return Math.min(Math.max(RETRY_MS_MIN, wantedMs), RETRY_MS_MAX);
}
