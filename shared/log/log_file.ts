import { basename, dirname, join } from "node:path";
import type { AppenderSettings, RollingPolicy } from "./settings.ts";
import { type TextSink, writeAllSync } from "./sink.ts";

type FileSettings = Extract<AppenderSettings["target"], { kind: "file" }>;

type FixedWindow = Extract<RollingPolicy["roller"], { kind: "fixed_window" }>;

const TEXT_ENCODER = new TextEncoder();

/** Tells files that this process puts aside from those of an earlier one that was killed. */
const PROCESS_TAG = Math.floor(performance.timeOrigin);

/** Opens a file for log lines, creating its folder; throws when that is not possible. */
export function openLogFile({ path, append, rolling }: FileSettings): TextSink {
  const open = (truncate: boolean) => {
    Deno.mkdirSync(dirname(path), { recursive: true });
    return Deno.openSync(path, { write: true, create: true, append: !truncate, truncate });
  };
  /** Null after the file could not be opened again. */
  let file: Deno.FsFile | null = open(!append);
  let size = file.statSync().size;
  let rollings: Promise<void> = Promise.resolve();
  let rollCount = 0;
  const keep = (roller: FixedWindow, aside: string) => {
    rollings = rollings.then(() => shiftWindow(roller, aside)).catch(() => {
      // old lines that cannot be kept (disk full) are given up, the service goes on
    });
  };
  if (rolling?.roller.kind === "fixed_window") {
    for (const aside of leftAside(path)) keep(rolling.roller, aside);
  }

  const roll = (policy: RollingPolicy) => {
    file?.close();
    file = null;
    const { roller } = policy;
    if (roller.kind === "fixed_window" && roller.count > 0) {
      // moved aside at once, so that writing goes on while the old lines are compressed
      const aside = `${path}.${PROCESS_TAG}.${++rollCount}.rolling`;
      Deno.renameSync(path, aside);
      keep(roller, aside);
    }
    file = open(true);
    size = 0;
  };

  return {
    isTerminal: false,
    write(text) {
      const bytes = TEXT_ENCODER.encode(text);
      try {
        if (rolling !== null && size > 0 && size + bytes.length > rolling.sizeMax) roll(rolling);
        file ??= open(false);
        writeAllSync(file, bytes);
        size += bytes.length;
      } catch {
        size = 0; // disk full or folder gone: the service goes on, the next line tries again
      }
    },
    async close() {
      await rollings;
      file?.close();
      file = null;
    },
  };
}

/** Files that an earlier process put aside and did not live to compress, the oldest first. */
function leftAside(path: string): string[] {
  const pattern = /\.(\d+)\.\d+\.rolling$/;
  const folder = dirname(path);
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.replace(pattern, "") === basename(path) && name !== basename(path))
    .filter((name) => pattern.exec(name)?.[1] !== String(PROCESS_TAG))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((name) => join(folder, name));
}

/** Moves every old file up by one number and puts the newest at the base. */
async function shiftWindow(
  { pattern, base, count }: FixedWindow,
  newest: string,
): Promise<void> {
  const pathOf = (number: number) => pattern.replaceAll("{}", String(number));
  for (let number = base + count - 2; number >= base; number--) {
    await moveIfThere(pathOf(number), pathOf(number + 1));
  }
  const target = pathOf(base);
  await Deno.mkdir(dirname(target), { recursive: true });
  if (!target.endsWith(".gz")) return await Deno.rename(newest, target);
  const from = await Deno.open(newest);
  const to = await Deno.open(`${target}.part`, { write: true, create: true, truncate: true });
  await from.readable.pipeThrough(new CompressionStream("gzip")).pipeTo(to.writable);
  await Deno.rename(`${target}.part`, target);
  await Deno.remove(newest);
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
