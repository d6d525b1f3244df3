import { SYSTEM_RANDOM } from "../../../../shared/clock/mod.ts";
import { ConfigError, findSecret } from "../../../../shared/config/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { StartRefusal } from "../../../../shared/service/mod.ts";
import { type EngineContext, EngineError } from "../../engine.ts";
import type { LocalFiles } from "../../local_files.ts";
import { levelFiles } from "../level/files.ts";
import { openLevelEngine } from "../level/open.ts";
import { CloudError } from "./cloud.ts";
import type { OpendalConfig } from "./config.ts";
import { LayeredEngine, type LayeredEngineOptions } from "./engine.ts";
import { S3Bucket } from "./s3.ts";

type CloudConfig = OpendalConfig["cloud_storage"];

/** The kinds of clouds whose buckets are parts of their hosts' names. */
const BUCKETS_IN_HOSTS: readonly string[] = ["oss", "obs", "cos"];

/** Opens the layers that the configuration names, and copies blocks to the cloud from then on. */
export async function openLayeredEngine(
  config: OpendalConfig,
  { log, clock }: EngineContext,
): Promise<LayeredEngine> {
  if (config.exporter.base_path !== "") {
    log.warn("this program has no exporter: [storage_opendal.exporter] is ignored");
  }
  const { cloud_storage: cloudConfig } = config;
  const cloud = bucketOf(cloudConfig, log, clock);
  if (cloud === null) log.info("no cloud is configured: every block stays on this machine");
  else {
    log.info(`blocks are copied to bucket "${cloudConfig.bucket}" at ${cloudConfig.endpoint}`);
    await checkCloud(cloud, log);
  }
  return await openLayers(config, log, {
    cloud,
    recent: { blocksMax: config.l1_capacity, bytesMax: config.l1_bytes },
    backup: {
      capacity: config.l2_capacity,
      intervalMs: cloudConfig.backup_interval * 1000,
      retreatMs: cloudConfig.retreat_interval * 1000,
      clock,
      random: SYSTEM_RANDOM,
      log,
    },
  });
}

/** Opens the layers to look at them: nothing is copied, and nothing is written to the cloud. */
export async function openLayeredOffline(
  config: OpendalConfig,
  { log, clock }: EngineContext,
): Promise<LayeredEngine> {
  return await openLayers(config, log, {
    cloud: bucketOf(config.cloud_storage, log, clock),
    recent: { blocksMax: 0, bytesMax: 0 },
    backup: null,
  });
}

async function openLayers(
  { data_root }: OpendalConfig,
  log: Logger,
  options: Omit<LayeredEngineOptions, "local">,
): Promise<LayeredEngine> {
  // 0: as many open files as the engine likes
  const local = await openLevelEngine({ db_path: data_root, max_open_file: 0 }, { log });
  try {
    return await LayeredEngine.open({ ...options, local });
  } catch (error) {
    await local.close();
    throw error instanceof EngineError ? new StartRefusal(error.message, 1) : error;
  }
}

/** Where the local layer is. */
export function layeredFiles({ data_root }: OpendalConfig): Promise<LocalFiles> {
  return levelFiles({ db_path: data_root });
}

/** The bucket, null when no key names one. */
function bucketOf(
  config: CloudConfig,
  log: Logger,
  clock: EngineContext["clock"],
): S3Bucket | null {
  const { service_type: kind, endpoint, bucket } = config;
  const named = { service_type: kind, endpoint, bucket, access_key_id: config.access_key_id };
  const missing = Object.entries(named).filter(([, value]) => value === "").map(([name]) => name);
  if (missing.length === Object.keys(named).length) return null;
  const table = "[storage_opendal.cloud_storage]";
  if (missing.length > 0) {
    throw new ConfigError(`Cannot use ${table}: it must have ${missing.join(", ")}`);
  }
  if (kind === "azblob") {
    const text = "azblob does not speak S3; use s3, oss, obs or cos";
    throw new ConfigError(`Cannot use ${table}: ${text}`);
  }
  const url = URL.parse(endpoint.includes("://") ? endpoint : `https://${endpoint}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== "/") {
    const wanted = "endpoint must be a host, or its URL without a path";
    throw new ConfigError(`Cannot use ${table}: ${wanted}, got "${endpoint}"`);
  }
  if (url.protocol === "http:") log.warn(`objects go to ${url.host} without encryption`);
  return new S3Bucket({
    endpoint: url.origin,
    bucket,
    root: config.root.split("/").filter((part) => part !== "").join("/"),
    region: config.region === "" ? "us-east-1" : config.region,
    accessKeyId: config.access_key_id,
    secretAccessKey: secretOf(config, log),
    isBucketInHost: config.bucket_in_host ?? BUCKETS_IN_HOSTS.includes(kind),
    callTimeoutMs: config.call_timeout * 1000,
    clock,
    random: SYSTEM_RANDOM,
  });
}

function secretOf(config: CloudConfig, log: Logger): string {
  const { value, source, isExposed } = findSecret({
    file: config.secret_access_key_file,
    credential: "storage_secret_access_key",
    variable: "STORAGE_SECRET_ACCESS_KEY",
    inConfig: config.secret_access_key,
  });
  if (isExposed) log.warn(`the key of the cloud is in ${source}, which other users may read`);
  return value;
}

const GREETING = new TextEncoder().encode("hello");

/**
 * Writes and reads an object (spec/storage_kms.md A10). What an operator must mend stops the start;
 * a cloud that is away does not: the chain goes on without it.
 */
async function checkCloud(cloud: S3Bucket, log: Logger): Promise<void> {
  try {
    await cloud.put("hello", GREETING);
    if (await cloud.get("hello") === null) {
      throw new StartRefusal("Cannot use the bucket: an object that was written is not there", 1);
    }
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    if (error.reason === "refused") throw new StartRefusal(error.message, 1, { cause: error });
    log.warn(`${error.message}; starts without the cloud, tries again later`);
  }
}
