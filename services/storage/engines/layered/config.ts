import {
  bool,
  choice,
  type ConfigOf,
  defineTable,
  integer,
  matching,
  optional,
  relativePath,
  secret,
  subTable,
  text,
} from "../../../../shared/config/mod.ts";
import { PORT_KEYS } from "../../config.ts";

const SECONDS_MAX = 30 * 24 * 3600;

/** Names that mean the same in a URL: no part may be empty or begin with a dot. */
const BUCKET = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,254})?$/;
const ROOT = /^\/?(?:[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/|$))*$/;

/** Table `[storage_opendal.cloud_storage]`; all names empty leave the cloud out. */
const CLOUD_KEYS = {
  service_type: choice({
    choices: ["", "s3", "oss", "obs", "cos", "azblob"],
    default: "",
    doc: "kind of the cloud; all but azblob speak S3",
  }),
  access_key_id: text({ default: "", doc: "name of the key" }),
  secret_access_key: secret({
    default: "",
    doc: "the key; better kept in one of the places below",
  }),
  secret_access_key_file: optional(text({ doc: "file that holds the key" })),
  endpoint: text({ default: "", doc: "URL of the service, without the bucket" }),
  bucket: matching({
    pattern: BUCKET,
    wanted: "be letters, digits, dots and dashes",
    default: "",
    doc: "bucket, which must exist",
  }),
  root: matching({
    pattern: ROOT,
    wanted: "be folders of letters, digits, dots and dashes, with single slashes between",
    default: "",
    doc: "folder of the chain in the bucket",
  }),
  region: text({ default: "us-east-1", doc: "region of the bucket" }),
  bucket_in_host: optional(bool({
    doc: "whether the bucket is part of the host's name; by default for oss, obs and cos only",
  })),
  backup_interval: integer({
    default: 300,
    min: 1,
    max: SECONDS_MAX,
    doc: "seconds between two backups, a third more or less",
  }),
  retreat_interval: integer({
    default: 150,
    max: SECONDS_MAX,
    doc: "seconds in which another node's backup is noticed",
  }),
  call_timeout: integer({ default: 15, min: 1, max: 600, doc: "seconds after which a call fails" }),
};

/** Table `[storage_opendal.exporter]`: read, so that it can be said that there is none. */
const EXPORTER_KEYS = {
  base_path: text({ default: "", doc: "an exporter is not part of this program" }),
};

/** Table `[storage_opendal]` of config.toml (spec/storage_kms.md A10). */
export const OPENDAL_TABLE = defineTable("storage_opendal", {
  ...PORT_KEYS,
  data_root: relativePath({ default: "chain_data", doc: "data folder, below the working folder" }),
  l1_capacity: integer({ default: 200, doc: "blocks whose records are kept in memory" }),
  l1_bytes: integer({ default: 134_217_728, doc: "memory that they may take" }),
  l2_capacity: integer({ default: 90_000, doc: "blocks that stay here once the cloud has them" }),
  cloud_storage: subTable({ keys: CLOUD_KEYS, doc: "the cloud" }),
  exporter: subTable({ keys: EXPORTER_KEYS, doc: "the exporter" }),
});

/** Values of {@linkcode OPENDAL_TABLE}. */
export type OpendalConfig = ConfigOf<typeof OPENDAL_TABLE>;
