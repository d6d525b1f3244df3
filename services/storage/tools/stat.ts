import { readU64be, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import {
  ExitError,
  formatCount,
  INTERRUPTED_EXIT_CODE,
  Progress,
} from "../../../shared/cli/mod.ts";
import { createPause } from "../../../shared/clock/mod.ts";
import type { Engine } from "../engine.ts";
import { sizeOfFiles } from "../local_files.ts";
import { Region, REGIONS } from "../regions.ts";
import { type OfflineStore, placeOf, withEngine } from "./offline.ts";
import { SLICE_MS } from "./slice.ts";
import { formatTable } from "./table.ts";

/** What one region holds. */
export interface RegionStat {
  readonly region: number;
  readonly name: string;
  readonly records: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Null for regions whose keys are no heights. */
  readonly lowestHeight: number | null;
  readonly highestHeight: number | null;
}

/** What a store holds; regions without records are left out. */
export interface StoreStat {
  readonly regions: readonly RegionStat[];
  readonly records: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** As the controller stored them; null when they are not there. */
  readonly currentHeight: number | null;
  readonly currentHash: string | null;
}

/** Counts all records; `step` is called for each and may throw to end it. */
export async function measureStore(
  engine: Engine,
  step: (records: number) => Promise<void>,
): Promise<StoreStat> {
  const regions: RegionStat[] = [];
  let records = 0;
  for (const region of REGIONS.keys()) {
    const stat = await measureRegion(engine, region, () => step(++records));
    if (stat.records > 0) regions.push(stat);
  }
  const sum = (size: (stat: RegionStat) => number) =>
    regions.reduce((total, stat) => total + size(stat), 0);
  const height = await engine.get(Region.Global, u64be(0n));
  const hash = await engine.get(Region.Global, u64be(1n));
  return {
    regions,
    records,
    keyBytes: sum(({ keyBytes }) => keyBytes),
    valueBytes: sum(({ valueBytes }) => valueBytes),
    currentHeight: height?.length === 8 ? Number(readU64be(height)) : null,
    currentHash: hash === null ? null : to0xHex(hash),
  };
}

async function measureRegion(
  engine: Engine,
  region: number,
  step: () => Promise<void>,
): Promise<RegionStat> {
  const { name = "", keySize = 0 } = REGIONS[region] ?? {};
  let [records, keyBytes, valueBytes] = [0, 0, 0];
  let lowestHeight: number | null = null;
  let highestHeight: number | null = null;
  const hasHeights = keySize === 8 && region !== Region.Global;
  for await (const [key, value] of engine.scan(region)) {
    records += 1;
    keyBytes += key.length;
    valueBytes += value.length;
    if (hasHeights && key.length === 8) {
      highestHeight = Number(readU64be(key));
      lowestHeight ??= highestHeight;
    }
    await step();
  }
  return { region, name, records, keyBytes, valueBytes, lowestHeight, highestHeight };
}

/**
 * Command `stat`: prints what a store holds, for people or as JSON.
 *
 * @returns 0, or 130 after an interrupt
 */
export async function runStat(
  store: OfflineStore,
  { json, signal }: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<number> {
  const { output, clock } = store;
  const progress = new Progress({ output, clock, unit: "records" });
  const pause = createPause(clock, SLICE_MS);
  const stat = await withEngine(store, (engine) =>
    measureStore(engine, async (records) => {
      progress.set(records);
      await pause();
      if (signal.aborted) throw new ExitError(INTERRUPTED_EXIT_CODE);
    })).finally(() => progress.clear());
  const files = (await store.localFiles?.())?.files ?? null;
  const diskBytes = files === null ? null : await sizeOfFiles(files);
  const place = await placeOf(store);
  if (json) {
    output.out(`${JSON.stringify({ flavour: store.flavour, place, ...stat, diskBytes })}\n`);
  } else output.out(`${describeStat(stat, { place, diskBytes })}\n`);
  return 0;
}

function describeStat(
  { regions, records, keyBytes, valueBytes, currentHeight, currentHash }: StoreStat,
  { place, diskBytes }: { place: string; diskBytes: number | null },
): string {
  const count = (value: number | null) => value === null ? "" : formatCount(value);
  const height = (value: number | null) => value === null ? "" : String(value);
  const rows = regions.map((stat) => [
    `${stat.region} ${stat.name}`,
    count(stat.records),
    count(stat.keyBytes),
    count(stat.valueBytes),
    height(stat.lowestHeight),
    height(stat.highestHeight),
  ]);
  const header = ["region", "records", "key bytes", "value bytes", "lowest", "highest"];
  const total = ["all", count(records), count(keyBytes), count(valueBytes), "", ""];
  return [
    ...formatTable([header, ...rows, total]),
    "",
    `current height: ${currentHeight ?? "none"}`,
    `current hash: ${currentHash ?? "none"}`,
    ...diskBytes === null ? [] : [`bytes on disk in "${place}": ${count(diskBytes)}`],
  ].join("\n");
}
