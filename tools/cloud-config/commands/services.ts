import { type Program, unsignedInteger, unsignedLong } from "../../../shared/cli/mod.ts";
import type { ChainSettings } from "../chain.ts";
import type { ChainFlags } from "./flags.ts";

const U32_MAX = 2 ** 32 - 1;
const NO_PREVHASH = `0x${"0".repeat(64)}`;

/** Roles in the order of `micro_service_list`, with the image that each has by default. */
const DEFAULT_IMAGES = {
  network: "network_p2p",
  consensus: "consensus_raft",
  executor: "executor_evm",
  storage: "storage_rocksdb",
  controller: "controller",
  kms: "kms_sm",
} as const;

type Role = keyof typeof DEFAULT_IMAGES;
const ROLES: readonly Role[] = [
  "network",
  "consensus",
  "executor",
  "storage",
  "controller",
  "kms",
];

type ImageFlags = Readonly<Record<`${Role}_${"image" | "tag"}`, string>>;

/** Flags of `init-chain-config`; some are spelled with `_`, as upstream. */
export interface ChainConfigFlags extends ChainFlags, ImageFlags {
  readonly timestamp: bigint;
  readonly prevhash: string;
  readonly version: number;
  readonly chain_id: string;
  readonly block_interval: number;
  readonly block_limit: bigint;
}

/** Declares the flags of {@linkcode ChainConfigFlags}. */
export function addChainConfigFlags(command: Program): void {
  command
    .option(
      "--timestamp <TIMESTAMP>",
      "time of the first block in milliseconds, 0 for now",
      unsignedLong,
      0n,
    )
    .option("--prevhash <PREVHASH>", "hash before the first block", NO_PREVHASH)
    .option("--version <VERSION>", "version of transactions", unsignedInteger(U32_MAX), 0)
    .option("--chain_id <CHAIN_ID>", "64 hex digits; empty for the SM3 hash of the name", "")
    .option(
      "--block_interval <BLOCK_INTERVAL>",
      "seconds between blocks",
      unsignedInteger(U32_MAX),
      3,
    )
    .option(
      "--block_limit <BLOCK_LIMIT>",
      "blocks for which a transaction may wait",
      unsignedLong,
      100n,
    );
  for (const role of ROLES) {
    const [image, tag] = [`${role}_image`, `${role}_tag`];
    command
      .option(`--${image} <${image.toUpperCase()}>`, `${role} of the chain`, DEFAULT_IMAGES[role])
      .option(`--${tag} <${tag.toUpperCase()}>`, `version of the ${role}, noted only`, "latest");
  }
}

/** The settings that the flags of `init-chain-config` ask for. */
export function settingsOf(flags: ChainConfigFlags): ChainSettings {
  return {
    timestamp: flags.timestamp,
    prevhash: flags.prevhash,
    version: flags.version,
    chainId: flags.chain_id,
    blockInterval: flags.block_interval,
    blockLimit: flags.block_limit,
    services: ROLES.map((role) => ({
      image: flags[`${role}_image`],
      tag: flags[`${role}_tag`],
    })),
  };
}

/** The default settings with some images of another kind. */
export function settingsWith(images: Readonly<Partial<Record<Role, string>>>): ChainSettings {
  return {
    timestamp: 0n,
    prevhash: NO_PREVHASH,
    version: 0,
    chainId: "",
    blockInterval: 3,
    blockLimit: 100n,
    services: ROLES.map((role) => ({
      image: images[role] ?? DEFAULT_IMAGES[role],
      tag: "latest",
    })),
  };
}
