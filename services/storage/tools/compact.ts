import { formatCount, StatusLine } from "../../../shared/cli/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { sizeOfFiles } from "../local_files.ts";
import { type OfflineStore, placeOf, withEngine } from "./offline.ts";

/** Time between two looks at the size of the files. */
const LOOK_MS = 500;

/**
 * Command `compact`: gives room back, and tells how much. It may be interrupted at any time: engines
 * replace their files only when the new ones are whole.
 */
export async function runCompact(
  store: OfflineStore,
  { json }: { json: boolean },
): Promise<number> {
  const { output } = store;
  const bytesBefore = await bytesOnDisk(store);
  await withEngine(store, async (engine) => {
    const done = new AbortController();
    const showing = showSize(store, done.signal);
    await engine.compact().finally(() => done.abort());
    await showing;
  });
  // closing the engine removes the files that it no longer needs
  const bytesAfter = await bytesOnDisk(store);
  const place = await placeOf(store);
  if (json) {
    output.out(`${JSON.stringify({ flavour: store.flavour, place, bytesBefore, bytesAfter })}\n`);
  } else if (bytesBefore === null || bytesAfter === null) {
    output.out(`compacted the records of ${place}\n`);
  } else {
    const sizes = `${formatCount(bytesBefore)} bytes on disk before, ${
      formatCount(bytesAfter)
    } after`;
    output.out(`compacted "${place}": ${sizes}\n`);
  }
  return 0;
}

async function bytesOnDisk({ localFiles }: OfflineStore): Promise<number | null> {
  return localFiles === null ? null : await sizeOfFiles((await localFiles()).files);
}

/** How far an engine is, it does not say; its files show that something happens. */
async function showSize(store: OfflineStore, signal: AbortSignal): Promise<void> {
  const { output, clock } = store;
  const line = new StatusLine(output);
  const startMs = clock.monotonicMs();
  while (!signal.aborted) {
    const bytes = await bytesOnDisk(store);
    const size = bytes === null ? "" : `, ${formatCount(bytes / 1e6)} MB on disk`;
    line.show(`compacting, ${secondsSince(clock, startMs)} s${size}`);
    await clock.sleep(LOOK_MS, signal);
  }
  line.clear();
}

function secondsSince(clock: Clock, startMs: number): number {
  return Math.floor((clock.monotonicMs() - startMs) / 1000);
}
