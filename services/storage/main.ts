import { runService } from "../../shared/service/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { OPENDAL_TABLE } from "./engines/layered/config.ts";
import { layeredFiles, openLayeredEngine, openLayeredOffline } from "./engines/layered/open.ts";
import { ROCKSDB_TABLE, SLED_TABLE } from "./engines/level/config.ts";
import { levelFiles } from "./engines/level/files.ts";
import { openLevelEngine } from "./engines/level/open.ts";
import { POSTGRES_TABLE } from "./engines/postgres/config.ts";
import { openPostgresEngine } from "./engines/postgres/open.ts";
import { SQLITE_TABLE } from "./engines/sqlite/config.ts";
import { sqliteFiles } from "./engines/sqlite/files.ts";
import { openSqliteEngine } from "./engines/sqlite/open.ts";
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
      localFiles: levelFiles,
      deleteFullBlockCode: StatusCode.BadRegion,
    }),
    storage_sled: storageFlavour({
      table: SLED_TABLE,
      homepage: "https://github.com/cita-cloud/storage_sled",
      openEngine: openLevelEngine,
      localFiles: levelFiles,
      deleteFullBlockCode: StatusCode.Success,
    }),
    storage_sqlite: storageFlavour({
      table: SQLITE_TABLE,
      homepage: "https://github.com/cita-cloud/storage_sqlite",
      openEngine: openSqliteEngine,
      localFiles: sqliteFiles,
      deleteFullBlockCode: StatusCode.BadRegion,
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
      openOffline: openLayeredOffline,
      localFiles: layeredFiles,
      deleteFullBlockCode: StatusCode.Success,
      extend: (parts) => new OpendalStore(parts),
    }),
  },
});
