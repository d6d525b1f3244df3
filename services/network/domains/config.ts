import {
  type ConfigTable,
  defineTable,
  integer,
  port,
  secret,
  tableList,
  text,
  type ValuesOf,
} from "../../../shared/config/mod.ts";
import { METRICS_KEYS } from "../../../shared/service/mod.ts";

/** A year: longer pauses are mistakes. */
const SECONDS_MAX = 31_536_000;

const KEYS = {
  grpc_port: port({ default: 50000, doc: "gRPC port of this service" }),
  listen_port: port({ default: 40000, doc: "port for other nodes" }),
  reconnect_timeout: integer({
    default: 5,
    max: SECONDS_MAX,
    doc: "seconds before a node is dialled again",
  }),
  try_hot_update_interval: integer({
    default: 60,
    min: 1,
    max: SECONDS_MAX,
    doc: "seconds between looks at this file for changed peers",
  }),
  ca_cert: text({ doc: "PEM text of the authorities that are trusted" }),
  cert: text({ doc: "PEM text of the own certificate, then of those that lead to the authority" }),
  priv_key: secret({ doc: "PEM text of its PKCS#8 key" }),
  peers: tableList({
    keys: {
      host: text({ doc: "name or address" }),
      port: port({ doc: "port for other nodes" }),
      domain: text({ doc: "DNS name in the certificate" }),
    },
    doc: "nodes to keep connected, and the only ones that may connect: `host`, `port`, `domain`",
  }),
  ...METRICS_KEYS,
};

/** Values of `[network_tls]` and `[network_quic]`. */
export type DomainConfig = ValuesOf<typeof KEYS>;

/** A table of a flavour with certificates (spec/network.md, section 4.2). */
export type DomainTable = ConfigTable<typeof KEYS>;

/** Declares the table under a name. */
export function defineDomainTable(name: string): DomainTable {
  return defineTable(name, KEYS);
}
