import { runService } from "../../shared/service/mod.ts";
import { domainPlainLog, LOG_LEVELS, LOG_OPTIONS } from "./domains/plain_log.ts";
import { P2P_TABLE } from "./p2p/config.ts";
import { startP2p } from "./p2p/start.ts";
import { QUIC_TABLE, startQuic } from "./quic/start.ts";
import { GEN_CONFIG } from "./tls/gen_config.ts";
import { startTls, TLS_TABLE } from "./tls/start.ts";

const DOMAIN_LOG = {
  plainLog: domainPlainLog,
  logOptions: LOG_OPTIONS,
  logLevels: LOG_LEVELS,
};

await runService({
  role: "network",
  about: "Connects the modules of a node with those of its neighbours",
  flavours: {
    network_p2p: {
      table: P2P_TABLE,
      homepage: "https://github.com/cita-cloud/network_p2p",
      start: startP2p,
    },
    network_tls: {
      table: TLS_TABLE,
      homepage: "https://github.com/cita-cloud/network_tls",
      textWithoutCommand: "no command provided\n",
      start: startTls,
      ...DOMAIN_LOG,
    },
    network_quic: {
      table: QUIC_TABLE,
      homepage: "https://github.com/cita-cloud/network_quic",
      textWithoutCommand: "no command provided\n",
      start: startQuic,
      ...DOMAIN_LOG,
    },
  },
  plainCommands: { "gen-config": GEN_CONFIG },
  unavailable: {
    network_zenoh: "it is not built yet, use [network_tls], [network_quic] or [network_p2p]",
  },
});
