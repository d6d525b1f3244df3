import type { RawTransaction, Witness } from "../../proto/gen/blockchain.ts";
import type { CompactBlock } from "../../proto/gen/blockchain.ts";
import type { NodeInfo } from "../../proto/gen/common.ts";
import type { SystemConfig } from "../../proto/gen/controller.ts";
import type { Log, Receipt } from "../../proto/gen/evm.ts";
import { type Bytes, to0xHex } from "../../shared/bytes/mod.ts";

/** What commands print; integers of any size, no nulls. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | readonly Json[]
  | { readonly [name: string]: Json };

/** Two-space indent, integers bare whatever their size. */
export function formatJson(value: Json, indent = ""): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return String(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => formatJson(item, inner))
    : Object.entries(value).map(([name, item]) =>
      `${JSON.stringify(name)}: ${formatJson(item, inner)}`
    );
  const [open, close] = isList ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** As {@linkcode formatJson}, the keys of every object sorted. */
export function formatSortedJson(value: Json): string {
  return formatJson(sortKeys(value));
}

function sortKeys(value: Json): Json {
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(sortKeys);
  const entries = Object.entries(value).map(([name, item]) => [name, sortKeys(item)] as const);
  return Object.fromEntries(entries.sort(([left], [right]) => left < right ? -1 : 1));
}

/** JSON A of spec/cldi.md, section 6. */
export function systemConfigJson(config: SystemConfig): Json {
  return systemConfigEntries(config);
}

function systemConfigEntries(config: SystemConfig): Readonly<Record<string, Json>> {
  return {
    admin: to0xHex(config.admin),
    admin_pre_hash: to0xHex(config.adminPreHash),
    block_interval: config.blockInterval,
    block_interval_pre_hash: to0xHex(config.blockIntervalPreHash),
    chain_id: to0xHex(config.chainId),
    chain_id_pre_hash: to0xHex(config.chainIdPreHash),
    emergency_brake: config.emergencyBrake,
    emergency_brake_pre_hash: to0xHex(config.emergencyBrakePreHash),
    validators: config.validators.map(to0xHex),
    validators_pre_hash: to0xHex(config.validatorsPreHash),
    version: config.version,
    version_pre_hash: to0xHex(config.versionPreHash),
  };
}

/** JSON A of spec/cldi.md, section 18: with the limits, as 6.6 and newer tell them for a block. */
export function numberedConfigJson(config: SystemConfig): Json {
  const limits = {
    block_limit: config.blockLimit,
    block_limit_pre_hash: to0xHex(config.blockLimitPreHash),
    quota_limit: config.quotaLimit,
    quota_limit_pre_hash: to0xHex(config.quotaLimitPreHash),
  };
  const entries = Object.entries({ ...systemConfigEntries(config), ...limits });
  return Object.fromEntries(entries.sort(([left], [right]) => left < right ? -1 : 1));
}

const pad = (value: number) => String(value).padStart(2, "0");

/** `2022-03-24 02:58:14 +00:00` in the machine's offset. */
function formatTimestamp(timestampMs: bigint): string {
  const ms = Number(timestampMs);
  const offset = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + offset * 60_000).toISOString();
  const minutes = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone}`;
}

/** JSON B; empty without a header. */
export function blockJson({ version, header, body }: CompactBlock): Json {
  if (header === undefined) return {};
  const hashes = body?.txHashes ?? [];
  return {
    height: header.height,
    prev_hash: to0xHex(header.prevhash),
    proposer: to0xHex(header.proposer),
    timestamp: formatTimestamp(header.timestamp),
    transaction_root: to0xHex(header.transactionsRoot),
    tx_count: hashes.length,
    tx_hashes: hashes.map(to0xHex),
    version,
  };
}

function witnessJson(witness: Witness | undefined): Json {
  if (witness === undefined) return {};
  return { sender: to0xHex(witness.sender), signature: to0xHex(witness.signature) };
}

/** JSON C; empty without a variant. */
export function transactionJson(raw: RawTransaction, height: bigint, index: bigint): Json {
  if (raw.tx === undefined) return {};
  const hash = to0xHex(raw.tx.value.transactionHash);
  if (raw.tx.$case === "utxoTx") {
    const { transaction: utxo, witnesses } = raw.tx.value;
    const transaction: Json = utxo === undefined ? {} : {
      lock_id: utxo.lockId,
      output: to0xHex(utxo.output),
      pre_tx_hash: to0xHex(utxo.preTxHash),
      version: utxo.version,
    };
    const json = { transaction, transaction_hash: hash, witnesses: witnesses.map(witnessJson) };
    return { height, index, transaction: json, type: "Utxo" };
  }
  const { transaction: normal, witness } = raw.tx.value;
  const transaction: Json = normal === undefined ? {} : {
    chain_id: to0xHex(normal.chainId),
    data: to0xHex(normal.data),
    nonce: normal.nonce,
    quota: normal.quota,
    to: to0xHex(normal.to),
    valid_until_block: normal.validUntilBlock,
    value: to0xHex(normal.value),
    version: normal.version,
  };
  const json = { transaction, transaction_hash: hash, witness: witnessJson(witness) };
  return { height, index, transaction: json, type: "Normal" };
}

/** One node of JSON D: the parts of its address, or the address as it is when it has others. */
export function nodeJson({ address, netInfo }: NodeInfo): Json {
  const common = { address: to0xHex(address), origin: netInfo?.origin ?? 0n };
  const multiaddr = netInfo?.multiAddress ?? "";
  const match = /^\/(?:dns4|ip4)\/([^/]+)\/tcp\/(\d+)(?:\/tls\/([^/]+))?$/.exec(multiaddr);
  const [, host, port, domain] = match ?? [];
  if (host === undefined || port === undefined) return { ...common, multi_address: multiaddr };
  const json = { ...common, host, port: Number(port) };
  return domain === undefined ? json : { ...json, domain };
}

/** JSON E. */
export function receiptJson(receipt: Receipt): Json {
  return {
    block_number: receipt.blockNumber,
    contract_addr: to0xHex(receipt.contractAddress),
    cumulative_quota_used: to0xHex(receipt.cumulativeQuotaUsed),
    error_msg: receipt.errorMessage,
    legacy_cita_block_hash: to0xHex(receipt.blockHash),
    logs: receipt.logs.map(logJson),
    logs_bloom: to0xHex(receipt.logsBloom),
    quota_used: to0xHex(receipt.quotaUsed),
    state_root: to0xHex(receipt.stateRoot),
    tx_hash: to0xHex(receipt.transactionHash),
    tx_index: receipt.transactionIndex,
  };
}

function logJson(log: Log): Json {
  return {
    address: to0xHex(log.address),
    block_number: log.blockNumber,
    data: to0xHex(log.data),
    legacy_cita_block_hash: to0xHex(log.blockHash),
    log_index: log.logIndex,
    topics: log.topics.map((topic: Bytes) => to0xHex(topic)),
    tx_hash: to0xHex(log.transactionHash),
    tx_index: log.transactionIndex,
    tx_log_index: log.transactionLogIndex,
  };
}
