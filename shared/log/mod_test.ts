import assert from "node:assert/strict";
import { type Clock, SYSTEM_CLOCK } from "../clock/mod.ts";
import { showFields } from "./fields.ts";
import { initLog, initPlainLog, LogConfigError } from "./mod.ts";
import { compilePattern } from "./pattern.ts";
import { compileTimeFormat } from "./time_format.ts";

const RECORD = {
  timeMs: Date.UTC(2022, 2, 9, 11, 53, 21, 15),
  level: "info",
  target: "controller::pool",
  message: "hello",
} as const;

/** Runs in a fresh folder that is removed afterwards. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A clock whose timers fire when the test says so. */
function manualClock(): Clock & { fire(): void } {
  const waiting: (() => void)[] = [];
  return {
    ...SYSTEM_CLOCK,
    setTimer(_delayMs, fire) {
      waiting.push(fire);
      return { cancel: () => void waiting.splice(waiting.indexOf(fire), 1) };
    },
    fire: () => waiting.splice(0).forEach((fire) => fire()),
  };
}

function settings(folder: string, root: string, more = ""): string {
  return `refresh_rate: 30 seconds
appenders:
  journey-service:
    kind: rolling_file
    path: "${folder}/logs/demo-service.log"
    encoder: {pattern: "{l} {t} - {m}{n}"}
    policy:
      kind: compound
      trigger: {kind: size, limit: 100 b}
      roller: {kind: fixed_window, base: 1, count: 2, pattern: "${folder}/logs/demo-service.{}.gz"}
root:
  level: ${root}
  appenders: [journey-service]
${more}`;
}

async function readGzip(path: string): Promise<string> {
  const file = await Deno.open(path);
  return await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
}

Deno.test("compilePattern() writes the default line of log4rs", () => {
  const line = compilePattern("{d} {l} {t} - {m}{n}")(RECORD, false);
  assert.match(
    line,
    /^2022-03-\d\dT\d\d:\d\d:21\.015000[+-]\d\d:\d\d INFO controller::pool - hello\n$/,
  );
});

Deno.test("compilePattern() knows dates, widths, colours and escapes", () => {
  const of = (pattern: string, withColour = false) => compilePattern(pattern)(RECORD, withColour);
  assert.equal(of("{d(%Y-%m-%d %H:%M:%S%.3f)(utc)}"), "2022-03-09 11:53:21.015");
  assert.equal(of("[{l:<6}][{l:>6}][{m:.2}]"), "[INFO  ][  INFO][he]");
  assert.equal(of("{h({l})}", true), "\x1b[32mINFO\x1b[0m");
  assert.equal(of("{h({l})}"), "INFO");
  assert.equal(of("{{{m}}}"), "{hello}");
  assert.equal(
    of("{f}:{L} {D(x)}{R({l})} {X(id)(none)} {({l} {m}):12}|"),
    "???:??? INFO none INFO hello  |",
  );
  for (const wrong of ["{q}", "{m", "{h({m}", "{d(%Q)}", "{d(%Y)(mars)}"]) {
    assert.throws(() => compilePattern(wrong), RangeError, wrong);
  }
});

Deno.test("initLog() writes lines at once and rolls files by size", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo-log4rs.yaml`;
    await Deno.writeTextFile(path, settings(folder, "info"));
    const logging = await initLog(path, { target: "demo", clock: manualClock() });
    const logFile = `${folder}/logs/demo-service.log`;
    logging.log.debug("not wanted");
    logging.log.child("pool").info("first", { height: 3n, hash: "0x01" });
    assert.equal(Deno.readTextFileSync(logFile), "INFO demo::pool - first height=3 hash=0x01\n");
    for (const letter of ["a", "b", "c", "d"]) logging.log.warn(letter.repeat(60));
    await logging.close();
    assert.equal(await Deno.readTextFile(logFile), `WARN demo - ${"d".repeat(60)}\n`);
    assert.match(await readGzip(`${folder}/logs/demo-service.1.gz`), /ccc/);
    assert.match(await readGzip(`${folder}/logs/demo-service.2.gz`), /bbb/);
    const names = [...Deno.readDirSync(`${folder}/logs`)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["demo-service.1.gz", "demo-service.2.gz", "demo-service.log"]);
  }));

Deno.test("initPlainLog() writes lines up to a level to a file, which is put aside when it is full", () =>
  inFolder(async (folder) => {
    for (const isCompressed of [false, true]) {
      const path = `${folder}/${isCompressed}/demo.log`;
      const file = { path, sizeMax: 100, keptCount: 2, isCompressed };
      const options = { target: "demo", clock: SYSTEM_CLOCK };
      const { log, close } = initPlainLog({ level: "warn", file }, options);
      log.info("not logged");
      for (let line = 1; line <= 4; line++) log.warn(`line ${line}, about 60 bytes long`);
      await close();
      assert.match(Deno.readTextFileSync(path), /^\S+ WARN demo - line 4, about 60 bytes long\n$/);
      const old = `${path}.1`;
      const text = isCompressed ? await readGzip(`${old}.gz`) : Deno.readTextFileSync(old);
      assert(text.includes("line 3"));
      const names = [...Deno.readDirSync(`${folder}/${isCompressed}`)].map(({ name }) => name);
      assert.equal(names.length, 3, "two stay beside the one in use");
    }
  }));

Deno.test("initLog() follows changes of its file and keeps the old settings when they are wrong", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo-log4rs.yaml`;
    await Deno.writeTextFile(path, settings(folder, "warn").replace("100 b", "1mb"));
    const clock = manualClock();
    const logging = await initLog(path, { target: "demo", clock });
    const read = () => Deno.readTextFileSync(`${folder}/logs/demo-service.log`);
    logging.log.info("dropped");
    const loggers = "loggers:\n  demo::quiet: {level: off}\n";
    await Deno.writeTextFile(path, settings(folder, "info", loggers).replace("100 b", "1mb"));
    clock.fire();
    logging.log.info("kept");
    logging.log.child("quiet").error("dropped");
    assert.equal(read(), "INFO demo - kept\n");
    await Deno.writeTextFile(path, "root: {level: loud}");
    clock.fire();
    logging.log.info("still kept");
    await logging.close();
    assert.match(read(), /not used[^]*it must be off, error, warn[^]*still kept/);
  }));

Deno.test("initLog() names the file and the field of a mistake", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo-log4rs.yaml`;
    const messageOf = async (source: string | null) => {
      if (source !== null) await Deno.writeTextFile(path, source);
      try {
        await (await initLog(path, { target: "demo", clock: manualClock() })).close();
      } catch (error) {
        if (error instanceof LogConfigError) return error.message;
        throw error;
      }
      return "accepted";
    };
    assert.match(await messageOf(null), /log init err: Cannot read ".*demo-log4rs.yaml"/);
    assert.match(await messageOf("a: [}"), /Cannot parse ".*demo-log4rs.yaml"/);
    assert.match(await messageOf("root: {appenders: [x]}"), /root\.appenders .*"x" is not there/);
    assert.match(await messageOf("appenders: {a: {kind: fax}}"), /appenders\.a\.kind .*got "fax"/);
    assert.match(
      await messageOf("appenders: {a: {kind: file, path: /proc/none/x}}"),
      /Cannot open the log appender "a"/,
    );
    assert.equal(await messageOf("root: {level: INFO}"), "accepted");
  }));

Deno.test("a log line never throws, also when the file is gone", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo-log4rs.yaml`;
    await Deno.writeTextFile(path, settings(folder, "info"));
    const logging = await initLog(path, { target: "demo", clock: manualClock() });
    await Deno.remove(`${folder}/logs`, { recursive: true });
    for (let i = 0; i < 5; i++) logging.log.info("x".repeat(90));
    await logging.close();
  }));

Deno.test("compileTimeFormat() knows the specifiers of strftime", () => {
  const at = Date.UTC(2022, 2, 9, 15, 4, 5, 7);
  const of = (format: string) => compileTimeFormat(format, "utc")(at);
  assert.equal(of("%+"), "2022-03-09T15:04:05.007000+00:00");
  assert.equal(of("%a %A %b %B %e %j"), "Wed Wednesday Mar March  9 068");
  assert.equal(of("%F %T %D %R %I %l %p %y"), "2022-03-09 15:04:05 03/09/22 15:04 03  3 PM 22");
  assert.equal(
    of("%s%.f %3f %6f %9f %f %z %:z"),
    `1646838245.007 007 007000 007000000 007000000 +0000 +00:00`,
  );
  assert.equal(of("100%% %%T%n%t|"), "100% %T\n\t|");
});

Deno.test("showFields() shows any value on its own terms and never throws", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const hostile = { toJSON: () => assert.fail("not shown") };
  assert.equal(
    showFields({ a: 1n, b: true, c: null, d: undefined }),
    " a=1 b=true c=null d=undefined",
  );
  assert.equal(showFields({ hash: new Uint8Array([1, 255]) }), " hash=0x01ff");
  assert.equal(showFields({ forged: "x\nERROR demo - y" }), ' forged="x\\nERROR demo - y"');
  assert.equal(
    showFields({ o: { height: 3n, id: new Uint8Array(1) } }),
    ' o={"height":"3","id":"0x00"}',
  );
  assert.equal(
    showFields({ circle, hostile }),
    " circle=(cannot be shown) hostile=(cannot be shown)",
  );
  assert.equal(
    showFields({
      get bad() {
        throw new Error("no");
      },
    }),
    " bad=(cannot be shown)",
  );
  const cause = new Error("inner");
  const error = new TypeError("outer", { cause });
  assert.equal(showFields({ error }), ' error="TypeError: outer, caused by Error: inner"');
  assert.match(
    showFields({ error }, { withStacks: true }),
    /TypeError: outer\n +at [^]*caused by: Error: inner\n +at /,
  );
  assert.ok(showFields({ long: "x".repeat(100_000) }).length < 10_000);
});

Deno.test("showFields() spends no time on what it does not show", () => {
  const text = "\n".repeat(32 * 1024 * 1024);
  const bytes = new Uint8Array(64 * 1024 * 1024);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  const shown = showFields({ text, bytes, object: { text, bytes }, error: new Error(text) });
  assert(SYSTEM_CLOCK.monotonicMs() - startMs < 200);
  assert(shown.length < 40_000);
  assert.equal(shown.match(/\.\.\. |\.\.\.$/g)?.length, 4, "each says that it is not all");
});

Deno.test("a log line stays one line, whatever its message and fields are", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo.log`;
    const file = { path, sizeMax: 1e6, keptCount: 1, isCompressed: false };
    const { log, close } = initPlainLog({ level: "info", file }, {
      target: "demo",
      clock: SYSTEM_CLOCK,
    });
    const evil = "x\r\n2026 INFO demo - forged\x1b[2J\x7f\x9b2J\x85\0\u2028\u2029y";
    const escaped = "x\\r\\n2026 INFO demo - forged\\u001b[2J\\u007f\\u009b2J\\u0085\\u0000" +
      "\\u2028\\u2029y";
    log.info(`reason: ${evil}`);
    log.info("quoted", { evil, object: { evil }, error: new Error(evil), symbol: Symbol(evil) });
    log.error("failed", { cause: new Error(evil, { cause: new Error(evil) }) });
    log.info("m".repeat(100_000));
    await close();
    const text = Deno.readTextFileSync(path);
    // deno-lint-ignore no-control-regex
    assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/.test(text));
    const lines = text.trimEnd().split("\n").filter((line) => !/^( {4}at |caused by: )/.test(line));
    assert.equal(lines.length, 4);
    assert(lines[0]?.endsWith(`INFO demo - reason: ${escaped}`));
    assert.equal(lines[1]?.split("2026 INFO demo - forged").length, 5);
    assert(lines[2]?.endsWith(`ERROR demo - failed cause=Error: ${escaped}`));
    assert(lines[3]?.endsWith(` INFO demo - ${"m".repeat(8_192)}...`));
  }));

Deno.test("initLog() keeps what a killed process had put aside", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo-log4rs.yaml`;
    await Deno.writeTextFile(path, settings(folder, "info"));
    await Deno.mkdir(`${folder}/logs`);
    for (const [tag, text] of [["9.1", "oldest"], ["9.2", "old"], ["10.1", "newest"]]) {
      await Deno.writeTextFile(`${folder}/logs/demo-service.log.${tag}.rolling`, text ?? "");
    }
    await Deno.writeTextFile(`${folder}/logs/demo-service.log.bak.rolling`, "not ours");
    await (await initLog(path, { target: "demo", clock: manualClock() })).close();
    assert.equal(await readGzip(`${folder}/logs/demo-service.1.gz`), "newest");
    assert.equal(await readGzip(`${folder}/logs/demo-service.2.gz`), "old");
    const names = [...Deno.readDirSync(`${folder}/logs`)].map(({ name }) => name).sort();
    assert.deepEqual(names, [
      "demo-service.1.gz",
      "demo-service.2.gz",
      "demo-service.log",
      "demo-service.log.bak.rolling",
    ]);
  }));

Deno.test("initLog() leaves appenders alone whose settings did not change", () =>
  inFolder(async (folder) => {
    const path = `${folder}/demo-log4rs.yaml`;
    const write = (level: string) =>
      Deno.writeTextFile(
        path,
        `refresh_rate: 1s
appenders:
  a: {kind: file, path: "${folder}/a.log", append: false, encoder: {pattern: "{l} {m}{n}"}}
root: {level: ${level}, appenders: [a]}`,
      );
    await write("warn");
    const clock = manualClock();
    const logging = await initLog(path, { target: "demo", clock });
    logging.log.warn("before");
    await write("debug");
    clock.fire();
    logging.log.debug("after");
    await logging.close();
    logging.log.error("closed");
    assert.equal(await Deno.readTextFile(`${folder}/a.log`), "WARN before\nDEBUG after\n");
  }));
