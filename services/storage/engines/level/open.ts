import { statfs } from "node:fs/promises";
import { openLevel } from "../../../../shared/level/mod.ts";
import type { EngineContext } from "../../engine.ts";
import type { LevelConfig } from "./config.ts";
import { LevelEngine } from "./engine.ts";

/**
 * Holds some 30,000 records before they become a table: fewer tables are merged than with the 4 MiB
 * of LevelDB. A start after a crash reads as much from the log, in 0.2 s.
 */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;

/**
 * LevelDB maps every table that it holds open into memory, 2 MiB each: with the 512 that are the
 * default of the reference service a million records of 256 bytes were 470 MB. A read that has to
 * open a table first takes 40 µs instead of 10.
 */
const OPEN_FILES_MAX = 100;

/** Opens the engine in the folder that the configuration names. */
export function openLevelEngine(
  config: LevelConfig,
  { log }: Pick<EngineContext, "log">,
): Promise<LevelEngine> {
  const { db_path: path, max_open_file: wantedFiles } = config;
  const openFilesMax = wantedFiles > 0 ? Math.min(wantedFiles, OPEN_FILES_MAX) : OPEN_FILES_MAX;
  log.info(`db path of this service: ${path}`);
  return LevelEngine.open({
    async open() {
      const level = await openLevel(path, {
        writeBufferBytes: WRITE_BUFFER_BYTES,
        openFilesMax,
      });
      for (const piece of level.leftOut) {
        log.error("records may be lost, data are damaged", { piece });
      }
      return level;
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
  });
}
