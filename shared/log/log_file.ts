import { dirname } from "node:path";
import type { AppenderSettings, RollingPolicy } from "./settings.ts";
import { type TextSink, writeAllSync } from "./sink.ts";

type FileSettings = Extract<AppenderSettings["target"], { kind: "file" }>;

const TEXT_ENCODER = new TextEncoder();

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

  const roll = (policy: RollingPolicy) => {
    file?.close();
    file = null;
    const { roller } = policy;
    if (roller.kind === "fixed_window" && roller.count > 0) {
      // moved aside at once, so that writing goes on while the old lines are compressed
      const aside = `${path}.${++rollCount}.rolling`;
      Deno.renameSync(path, aside);
      rollings = rollings.then(() => shiftWindow(roller, aside)).catch(() => {
        // old lines that cannot be kept (disk full) are given up, the service goes on
      });
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

/** Moves every old file up by one number and puts the newest at the base. */
async function shiftWindow(
  { pattern, base, count }: Extract<RollingPolicy["roller"], { kind: "fixed_window" }>,
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
