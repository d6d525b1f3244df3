import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { LogFolder, readRecords } from "../../shared/wal/mod.ts";
import type { WalPort } from "./ports.ts";

/** Type of the only records that a controller writes. */
const FINALIZE_BLOCK = 3;

/** The write-ahead log of blocks that are being stored (spec/controller.md, section 18). */
export async function openWal(path: string, log: Logger): Promise<WalPort> {
  const folder = await LogFolder.open(path);
  return {
    async append(height, encodedBlock) {
      await folder.append(height, [{ type: FINALIZE_BLOCK, body: encodedBlock }]);
      await folder.setHeight(height);
    },
    async load() {
      const blocks: Bytes[] = [];
      for (const height of await folder.heights()) {
        blocks.push(...await loadBlocks(folder, height, log));
      }
      return blocks;
    },
    clear: () => folder.erase(),
  };
}

async function loadBlocks(folder: LogFolder, height: bigint, log: Logger): Promise<Bytes[]> {
  const bytes = await folder.read(height);
  const { records, goodSize } = readRecords(bytes);
  if (goodSize < bytes.length) {
    log.warn(`wal file may be corrupted: ${height}.log ends within a record`);
    await folder.cut(height, goodSize);
  }
  return records.filter(({ type }) => type === FINALIZE_BLOCK).map(({ body }) => body);
}
