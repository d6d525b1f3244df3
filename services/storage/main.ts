import { runService } from "../../shared/service/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { ROCKSDB_TABLE, SLED_TABLE } from "./engines/level/config.ts";
import { openLevelEngine } from "./engines/level/open.ts";
import { OPENDAL_TABLE } from "./engines/layered/config.ts";
import { openLayeredEngine } from "./engines/layered/open.ts";
import { POSTGRES_TABLE } from "./engines/postgres/config.ts";
import { openPostgresEngine } from "./engines/postgres/open.ts";
import { storageFlavour } from "./flavour.ts";
import { OpendalStore } from "./opendal_store.ts";

await runService({
  role: "storage",
  about: "Stores the blocks and the state of a chain's controller",
  flavours: {
    storage_rocksdb: storageFlavour({
      table: ROCKSDB_TABLE,
      homepage: "https://github.com/cita-cloud/storage_rocksdb",
      openEngine: openLevelEngine,
      deleteFullBlockCode: StatusCode.BadRegion,
    }),
    storage_sled: storageFlavour({
      table: SLED_TABLE,
      homepage: "https://github.com/cita-cloud/storage_sled",
      openEngine: openLevelEngine,
      deleteFullBlockCode: StatusCode.Success,
    }),
    storage_postgres: storageFlavour({
      table: POSTGRES_TABLE,
      homepage: "https://github.com/cita-cloud/storage_rocksdb",
      openEngine: openPostgresEngine,
      deleteFullBlockCode: StatusCode.BadRegion,
    }),
    storage_opendal: storageFlavour({
      table: OPENDAL_TABLE,
      homepage: "https://github.com/cita-cloud/storage_opendal",
      openEngine: openLayeredEngine,
      deleteFullBlockCode: StatusCode.Success,
      extend: (parts) => new OpendalStore(parts),
    }),
  },
});
