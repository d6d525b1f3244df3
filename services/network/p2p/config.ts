import {
  bool,
  type ConfigOf,
  defineTable,
  integer,
  optional,
  port,
  tableList,
  text,
  textList,
} from "../../../shared/config/mod.ts";
import { METRICS_KEYS } from "../../../shared/service/mod.ts";

/** Default of `grpc_frame`. */
export const FRAME_SIZE_MAX = 16_777_215;

/** Table `[network_p2p]`, with the defaults of the reference (spec/network.md, section 3.2). */
export const P2P_TABLE = defineTable("network_p2p", {
  port: port({ default: 40000, doc: "TCP port for other nodes" }),
  grpc_port: port({ default: 50000, doc: "gRPC port of this service" }),
  peers: tableList({
    keys: { address: text({ doc: "multiaddr of the peer" }) },
    doc: "nodes to keep connected: `address`, e.g. `/dns4/localhost/tcp/40001`",
  }),
  grpc_frame: integer({
    default: FRAME_SIZE_MAX,
    max: 0xffff_ffff,
    doc: "largest message in bytes, both directions",
  }),
  enable_tls: bool({ default: false, doc: "mutual TLS below yamux" }),
  domain: text({ default: "", doc: "own domain; its certificate counts, this is not used" }),
  server_chain_certs: optional(text({ doc: "PEM file of the own certificate, with TLS" })),
  server_key: optional(text({ doc: "PEM file of its key, with TLS" })),
  ca_cert: optional(text({ doc: "PEM file of the authorities to trust, with TLS" })),
  protocols: optional(textList({ doc: "versions of TLS: `1.2`, `1.3`; by default both" })),
  cypher_suits: optional(textList({ doc: "TLS cipher suites to accept; by default all" })),
  enable_discovery: bool({ default: false, doc: "exchange addresses of peers, and dial them" }),
  advertised_address: optional(text({ doc: "own multiaddr for others, with discovery" })),
  key_file: optional(text({ doc: "file of a secp256k1 key in hex: encrypts with secio" })),
  known_peers_only: bool({
    default: false,
    doc: "accept only ids that addresses of `peers` name, with `key_file`",
  }),
  ...METRICS_KEYS,
});

/** Values of `[network_p2p]`. */
export type P2pConfig = ConfigOf<typeof P2P_TABLE>;
