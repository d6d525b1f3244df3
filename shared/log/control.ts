import type { Clock, Timer } from "../clock/mod.ts";
import { type Appender, openAppender } from "./appender.ts";
import { LogConfigError } from "./config_error.ts";
import { showFields } from "./fields.ts";
import { type LogThreshold, passes } from "./levels.ts";
import { showMessage } from "./line_text.ts";
import type { LogFields, Logger, LogLevel } from "./logger.ts";
import type { LogRecord } from "./pattern.ts";
import { type PlainLog, settingsOf } from "./plain_log.ts";
import { type LogSettings, parseLogSettings } from "./settings.ts";

/** The logging of a process. */
export interface LogControl {
  /** Logger of the whole service. */
  readonly log: Logger;
  /** Finishes what is written in the background; later lines are dropped. */
  close(): Promise<void>;
}

/** What {@linkcode initLog} needs besides the file. */
export interface LogOptions {
  /** Target of the root logger, the name of the role. */
  readonly target: string;
  readonly clock: Clock;
}

/**
 * Starts logging as a log4rs YAML file says and follows changes of the file. Lines are written
 * before the call returns, so that none is lost when the process ends.
 *
 * @throws {LogConfigError} when the file is missing or wrong, or a log file cannot be opened
 */
export function initLog(path: string, options: LogOptions): Promise<LogControl> {
  const source = readSource(path);
  const router = new Router(openRoutes(parseLogSettings(source, path)));
  const log = new TargetLogger(options.target, router, options.clock);
  const refresh = refreshFrom({ path, source, router, log, clock: options.clock });
  return Promise.resolve({
    log,
    async close() {
      refresh.cancel();
      await router.replace(NO_ROUTES);
    },
  });
}

/**
 * Starts logging without a log4rs file.
 *
 * @throws {LogConfigError} when the log file cannot be opened
 */
export function initPlainLog(plain: PlainLog, { target, clock }: LogOptions): LogControl {
  const router = new Router(openRoutes(settingsOf(plain)));
  return { log: new TargetLogger(target, router, clock), close: () => router.replace(NO_ROUTES) };
}

function readSource(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LogConfigError(`log init err: Cannot read "${path}": ${reason}`, { cause });
  }
}

/** Settings with their appenders opened. */
interface Routes {
  readonly settings: LogSettings;
  readonly appenders: ReadonlyMap<string, Appender>;
}

const NO_ROUTES: Routes = {
  settings: {
    refreshIntervalMs: null,
    appenders: new Map(),
    root: { level: "off", appenders: [], additive: true },
    loggers: new Map(),
  },
  appenders: new Map(),
};

/** Opens appenders; those that `current` has with the same settings go on as they are. */
function openRoutes(settings: LogSettings, current: Routes = NO_ROUTES): Routes {
  const appenders = new Map<string, Appender>();
  for (const [name, appender] of settings.appenders) {
    const known = current.appenders.get(name);
    const isSame = current.settings.appenders.get(name)?.identity === appender.identity;
    try {
      appenders.set(name, isSame && known !== undefined ? known : openAppender(appender));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LogConfigError(`Cannot open the log appender "${name}": ${reason}`, { cause });
    }
  }
  return { settings, appenders };
}

/** Where the lines of one target go. */
interface Route {
  readonly level: LogThreshold;
  readonly appenders: readonly Appender[];
}

/** Finds the appenders of a target; the settings may be replaced at any time. */
class Router {
  #routes: Routes;
  readonly #routeByTarget = new Map<string, Route>();

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** Uses other settings from now on. */
  change(settings: LogSettings): Promise<void> {
    return this.replace(openRoutes(settings, this.#routes));
  }

  get refreshIntervalMs(): number | null {
    return this.#routes.settings.refreshIntervalMs;
  }

  /** Uses other appenders from now on and closes those that are not needed any more. */
  async replace(routes: Routes): Promise<void> {
    const old = this.#routes;
    this.#routes = routes;
    this.#routeByTarget.clear();
    const kept = new Set(routes.appenders.values());
    for (const appender of old.appenders.values()) if (!kept.has(appender)) await appender.close();
  }

  write(record: LogRecord): void {
    const { level, appenders } = this.#routeOf(record.target);
    if (!passes(record.level, level)) return;
    for (const appender of appenders) appender.append(record);
  }

  wants(level: LogLevel, target: string): boolean {
    return passes(level, this.#routeOf(target).level);
  }

  #routeOf(target: string): Route {
    const known = this.#routeByTarget.get(target);
    if (known !== undefined) return known;
    const route = this.#findRoute(target);
    this.#routeByTarget.set(target, route);
    return route;
  }

  /** `a::b` is part of `a`; the nearest configured ancestor decides. */
  #findRoute(target: string): Route {
    const { settings, appenders } = this.#routes;
    const { root, loggers } = settings;
    let route: Route = { level: root.level, appenders: pick(appenders, root.appenders) };
    const parts = target.split("::");
    for (let count = 1; count <= parts.length; count++) {
      const logger = loggers.get(parts.slice(0, count).join("::"));
      if (logger === undefined) continue;
      const own = pick(appenders, logger.appenders);
      const inherited = logger.additive ? route.appenders : [];
      route = { level: logger.level, appenders: [...new Set([...inherited, ...own])] };
    }
    return route;
  }
}

function pick(appenders: ReadonlyMap<string, Appender>, names: readonly string[]): Appender[] {
  return names.flatMap((name) => appenders.get(name) ?? []);
}

/** Reads the file again from time to time; a wrong one is reported and not used. */
function refreshFrom({ path, source, router, log, clock }: {
  readonly path: string;
  readonly source: string;
  readonly router: Router;
  readonly log: Logger;
  readonly clock: Clock;
}): Timer {
  let known = source;
  let timer: Timer | null = null;
  const look = () => {
    try {
      const found = readSource(path);
      if (found !== known) {
        known = found;
        void router.change(parseLogSettings(found, path));
      }
    } catch (cause) {
      if (!(cause instanceof LogConfigError)) throw cause;
      log.warn("the changed log settings are not used", { cause });
    }
    schedule();
  };
  const schedule = () => {
    const intervalMs = router.refreshIntervalMs;
    timer = intervalMs === null || intervalMs === 0 ? null : clock.setTimer(intervalMs, look);
  };
  schedule();
  return { cancel: () => timer?.cancel() };
}

class TargetLogger implements Logger {
  readonly #target: string;
  readonly #router: Router;
  readonly #clock: Clock;

  constructor(target: string, router: Router, clock: Clock) {
    this.#target = target;
    this.#router = router;
    this.#clock = clock;
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  trace(message: string, fields?: LogFields): void {
    this.#write("trace", message, fields);
  }

  child(part: string): Logger {
    return new TargetLogger(`${this.#target}::${part}`, this.#router, this.#clock);
  }

  #write(level: LogLevel, message: string, fields?: LogFields): void {
    if (!this.#router.wants(level, this.#target)) return;
    this.#router.write({
      timeMs: this.#clock.nowMs(),
      level,
      target: this.#target,
      message: showMessage(message) + showFields(fields ?? {}, { withStacks: level === "error" }),
    });
  }
}
