import type { Random } from "../../../shared/clock/mod.ts";
import {
  bool,
  choice,
  ConfigError,
  type ConfigOf,
  defineTable,
  hexBytes,
  integer,
  port,
  text,
  u64,
} from "../../../shared/config/mod.ts";
import { METRICS_KEYS } from "../../../shared/service/mod.ts";
import type { NodeOptions } from "./node/interface.ts";
import { peerIdOf } from "./peer_id.ts";

const PLAIN = "without a log4rs file";

/** Levels of the reference. */
const LOG_WORDS = ["trace", "debug", "info", "warning", "error", "critical"] as const;

/** A level of the reference. */
export type LogWord = typeof LOG_WORDS[number];

/** The longest timer, in ticks and in milliseconds per tick: an election is hours away then. */
const TICKS_MAX = 100_000;
const TICK_MS_MAX = 60_000;

const SECONDS_MAX = 86_400;

/** Table `[consensus_raft]` of config.toml (spec/consensus.md, section 9.2). */
export const RAFT_TABLE = defineTable("consensus_raft", {
  node_addr: hexBytes({ size: 20, doc: "own address, one of the validators'" }),
  grpc_listen_port: port({ default: 50001, doc: "gRPC port of this service, on 127.0.0.1" }),
  network_port: port({ default: 50000, doc: "port of the network service on this host" }),
  controller_port: port({ default: 50004, doc: "port of the controller on this host" }),
  tick_interval_in_millis: integer({
    default: 200,
    min: 1,
    max: TICK_MS_MAX,
    doc: "milliseconds per tick",
  }),
  heartbeat_tick: integer({
    default: 15,
    min: 1,
    max: TICKS_MAX,
    doc: "ticks between heartbeats of a leader",
  }),
  election_tick: integer({
    default: 50,
    min: 2,
    max: TICKS_MAX,
    doc: "without a leader for so many ticks, or up to twice as many, a node stands for election",
  }),
  check_quorum: bool({ default: false, doc: "votes are refused while a leader is of use" }),
  transfer_leader_timeout_in_secs: integer({
    default: 12,
    min: 1,
    max: SECONDS_MAX,
    doc: "a leader without a proposal for so many seconds hands over",
  }),
  wal_path: text({ default: "raft-data-dir", doc: "folder of the log" }),
  max_wal_log_file_preserved: integer({
    default: 5,
    max: 1_000,
    doc: "log files that are kept after a compaction",
  }),
  wal_log_file_compact_limit: u64({
    default: 134_217_728n,
    doc: "bytes of a log file that is compacted; 0 never compacts",
  }),
  allow_corrupt_wal_log_tail: bool({
    default: true,
    doc: "start when the end of the log is damaged, without it",
  }),
  refound_group: bool({
    default: false,
    doc:
      "found the group anew on a chain that has blocks: for all validators at once, none with a log",
  }),
  log_level: choice({
    default: "info",
    choices: LOG_WORDS,
    doc: `least severe level that is logged ${PLAIN}`,
  }),
  log_to_stdout: bool({ default: false, doc: `log to the standard output ${PLAIN}` }),
  log_dir: text({ default: "logs", doc: `folder of the log ${PLAIN}` }),
  log_file_name: text({
    default: "consensus-service.log",
    doc: `file of the log ${PLAIN}`,
  }),
  log_rotate_size: integer({
    default: 134_217_728,
    min: 1,
    doc: "bytes of a log file that is put aside",
  }),
  log_rotate_keep: integer({ default: 5, max: 1_000, doc: "log files put aside that stay" }),
  log_rotate_compress: bool({ default: false, doc: "compress log files put aside" }),
  ...METRICS_KEYS,
});

/** Values of the table. */
export type RaftConfig = ConfigOf<typeof RAFT_TABLE>;

/** What the state machine of a node is created with. */
export function nodeOptionsOf(config: RaftConfig, random: Random): NodeOptions {
  return {
    raft: {
      id: peerIdOf(config.node_addr),
      heartbeatTicks: config.heartbeat_tick,
      electionTicks: config.election_tick,
      checksQuorum: config.check_quorum,
      // who was cut off does not depose the leader when it comes back; peers of 6.3.3 answer it
      asksBeforeElection: true,
      random,
    },
    tickMs: config.tick_interval_in_millis,
    transferMs: config.transfer_leader_timeout_in_secs * 1_000,
    refoundsGroup: config.refound_group,
  };
}

/** Throws a {@linkcode ConfigError} when values do not go together. */
export function checkRaftConfig({ election_tick, heartbeat_tick }: RaftConfig): void {
  if (election_tick > heartbeat_tick) return;
  throw new ConfigError(
    "Cannot use consensus_raft.election_tick: it must be greater than heartbeat_tick " +
      `(${heartbeat_tick}), got ${election_tick}`,
  );
}
