import { runService } from "../../shared/service/mod.ts";
import { BFT_TABLE } from "./bft/config.ts";
import { startBft } from "./bft/start.ts";
import { RAFT_TABLE } from "./raft/config.ts";
import { LOG_OPTIONS, raftPlainLog } from "./raft/plain_log.ts";
import { startRaft } from "./raft/start.ts";

await runService({
  role: "consensus",
  about: "Agrees with the other validators on one block per height",
  flavours: {
    consensus_bft: {
      table: BFT_TABLE,
      homepage: "https://github.com/cita-cloud/consensus_bft",
      start: startBft,
    },
    consensus_raft: {
      table: RAFT_TABLE,
      homepage: "https://github.com/cita-cloud/consensus_raft",
      versionText: "consensus_raft 6.3.3",
      textWithoutCommand: "no subcommand provided\n",
      start: startRaft,
      plainLog: raftPlainLog,
      logOptions: LOG_OPTIONS,
    },
  },
  unavailable: {
    consensus_overlord: "it is not built yet, use [consensus_bft] or [consensus_raft]",
  },
});
