import { openLevel } from "../../../shared/level/mod.ts";
import { LevelEngine } from "../engines/level/engine.ts";
import type { EngineFixture } from "./engine_contract.ts";

/** A level engine in a temporary folder. */
export async function levelFixture(): Promise<EngineFixture> {
  const path = await Deno.makeTempDir({ prefix: "storage_level_" });
  const open = () =>
    LevelEngine.open({
      open: () => openLevel(path),
      freeBytes: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
    });
  return { open, reopen: open, dispose: () => Deno.remove(path, { recursive: true }) };
}
