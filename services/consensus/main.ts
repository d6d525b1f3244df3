import { runService } from "../../shared/service/mod.ts";
import { BFT_TABLE } from "./bft/config.ts";
import { startBft } from "./bft/start.ts";

await runService({
  role: "consensus",
  about: "Agrees with the other validators on one block per height",
  flavours: {
    consensus_bft: {
      table: BFT_TABLE,
      homepage: "https://github.com/cita-cloud/consensus_bft",
      start: startBft,
    },
  },
  unavailable: {
    consensus_raft: "it is not built yet, use [consensus_bft]",
    consensus_overlord: "it is not built yet, use [consensus_bft]",
  },
});
