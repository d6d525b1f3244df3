import { catchInterrupt, ExitError } from "../../../shared/cli/mod.ts";
import type { SuiteName } from "../../../shared/crypto/mod.ts";
import type { ConfigKeys, ValuesOf } from "../../../shared/config/mod.ts";
import type { OfflineCommand, OfflineContext } from "../../../shared/service/mod.ts";
import type { Engine, EngineContext } from "../engine.ts";
import type { LocalFiles } from "../local_files.ts";
import { runCompact } from "./compact.ts";
import type { OfflineStore } from "./offline.ts";
import { runStat } from "./stat.ts";
import { runVerify } from "./verify/command.ts";

/** What the commands need to know of a flavour. */
export interface OfflineFlavour<Keys extends ConfigKeys> {
  readonly name: string;
  readonly openEngine: (config: ValuesOf<Keys>, context: EngineContext) => Promise<Engine>;
  readonly localFiles: ((config: ValuesOf<Keys>) => Promise<LocalFiles>) | null;
}

type Options = Readonly<Record<string, unknown>>;

/** An interrupt ends the process at once: an engine that compacts may be killed. */
const NEVER = new AbortController().signal;

const JSON_OPTION = ["--json", "print one line of JSON"] as const;

/** The offline commands of the executable for one flavour. */
export function offlineCommands<Keys extends ConfigKeys>(
  flavour: OfflineFlavour<Keys>,
): Readonly<Record<string, OfflineCommand<Keys>>> {
  const storeOf = (
    { config, output, clock }: OfflineContext<Keys>,
    signal: AbortSignal,
  ): OfflineStore => {
    const { name, openEngine, localFiles } = flavour;
    return {
      output,
      clock,
      flavour: name,
      openEngine: (log) => openEngine(config, { log, clock, signal }),
      localFiles: localFiles === null ? null : () => localFiles(config),
    };
  };
  return {
    stat: {
      about: "count the records of a stopped storage",
      options: [JSON_OPTION],
      async run(context) {
        using interrupt = catchInterrupt();
        const { signal } = interrupt;
        return await runStat(storeOf(context, signal), { json: hasJson(context), signal });
      },
    },
    verify: {
      about: "check every block of a stopped storage",
      options: [
        ["--from <height>", "the first height, 0 when absent"],
        ["--to <height>", "the last height, that of the highest block when absent"],
        ["--crypto <suite>", "sm or eth, found from the blocks when absent"],
        JSON_OPTION,
      ],
      async run(context) {
        const { options } = context;
        using interrupt = catchInterrupt();
        return await runVerify(storeOf(context, interrupt.signal), {
          json: hasJson(context),
          from: readHeight(options, "from"),
          to: readHeight(options, "to"),
          suite: readSuite(options),
          signal: interrupt.signal,
        });
      },
    },
    compact: {
      about: "give unused room of a stopped storage back to the disk",
      options: [JSON_OPTION],
      run: (context) => runCompact(storeOf(context, NEVER), { json: hasJson(context) }),
    },
  };
}

function hasJson({ options }: { readonly options: Options }): boolean {
  return options.json === true;
}

const HEIGHT_MAX = 2n ** 64n - 1n;

function readHeight(options: Options, name: string): bigint | null {
  const text = options[name];
  if (text === undefined) return null;
  if (typeof text === "string" && /^[0-9]{1,20}$/.test(text) && BigInt(text) <= HEIGHT_MAX) {
    return BigInt(text);
  }
  throw new ExitError(2, `Cannot use --${name} "${text}": it must be in 0..${HEIGHT_MAX}`);
}

function readSuite({ crypto }: Options): SuiteName | null {
  if (crypto === undefined) return null;
  if (crypto === "sm" || crypto === "eth") return crypto;
  throw new ExitError(2, `Cannot use --crypto "${crypto}": it must be "sm" or "eth"`);
}
