import { runService } from "../../shared/service/mod.ts";
import { P2P_TABLE } from "./p2p/config.ts";
import { startP2p } from "./p2p/start.ts";

await runService({
  role: "network",
  about: "Connects the modules of a node with those of its neighbours",
  flavours: {
    network_p2p: {
      table: P2P_TABLE,
      homepage: "https://github.com/cita-cloud/network_p2p",
      start: startP2p,
    },
  },
  unavailable: {
    network_tls: "it is not built yet, use [network_p2p]",
    network_quic: "it is not built yet, use [network_p2p]",
  },
});
