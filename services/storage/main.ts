import { runService } from "../../shared/service/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { ROCKSDB_TABLE, SLED_TABLE } from "./config.ts";
import { startStorage } from "./start.ts";

await runService({
  role: "storage",
  about: "Stores the blocks and the state of a chain's controller",
  flavours: {
    storage_rocksdb: {
      table: ROCKSDB_TABLE,
      homepage: "https://github.com/cita-cloud/storage_rocksdb",
      start: ({ config, log }) =>
        startStorage({ config, log, deleteFullBlockCode: StatusCode.BadRegion }),
    },
    storage_sled: {
      table: SLED_TABLE,
      homepage: "https://github.com/cita-cloud/storage_sled",
      start: ({ config, log }) =>
        startStorage({ config, log, deleteFullBlockCode: StatusCode.Success }),
    },
  },
});
