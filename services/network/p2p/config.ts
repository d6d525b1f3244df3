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
  enable_tls: bool({ default: false, doc: "TLS below yamux; not built yet" }),
  domain: text({ default: "", doc: "own domain, used with TLS" }),
  server_chain_certs: optional(text({ doc: "file of the certificate chain, used with TLS" })),
  server_key: optional(text({ doc: "file of the key, used with TLS" })),
  ca_cert: optional(text({ doc: "file of the CA certificate, used with TLS" })),
  protocols: optional(textList({ doc: "TLS versions, used with TLS" })),
  cypher_suits: optional(textList({ doc: "TLS cipher suites, used with TLS" })),
  enable_discovery: bool({ default: false, doc: "accepted, does nothing" }),
  ...METRICS_KEYS,
});

/** Values of `[network_p2p]`. */
export type P2pConfig = ConfigOf<typeof P2P_TABLE>;
