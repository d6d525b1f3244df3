import assert from "node:assert/strict";
import { type Bytes, equalBytes, u64be } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { StartRefusal } from "../../../../shared/service/mod.ts";
import { freePort } from "../../../../tests/free_ports.ts";
import { EngineError } from "../../engine.ts";
import { testEngineContract } from "../../testing/engine_contract.ts";
import { keepLines } from "../../testing/log_lines.ts";
import { postgresFixture, postgresOptions } from "../../testing/postgres_fixture.ts";
import { POSTGRES_USER, PostgresServer } from "../../testing/postgres_server.ts";
import type { PostgresConfig } from "./config.ts";
import { PostgresEngine } from "./engine.ts";
import { openPostgresEngine } from "./open.ts";
import { Session } from "./session.ts";

let server: PostgresServer;
Deno.test.beforeAll(async () => {
  server = await PostgresServer.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

testEngineContract("PostgresEngine", () => Promise.resolve(postgresFixture(server)));

const KEY = u64be(1n);

function put(key: Bytes, value: Bytes = Uint8Array.of(1)) {
  return { puts: [{ region: 0, key, value }], deletes: [] };
}

type Options = ReturnType<typeof postgresOptions>;

interface Running {
  readonly engine: PostgresEngine;
  readonly options: Options;
  readonly lines: string[];
}

async function withEngine(
  use: (running: Running) => Promise<void>,
  at: PostgresServer = server,
): Promise<void> {
  const { log, lines } = keepLines();
  const options = postgresOptions(at, log);
  const engine = await PostgresEngine.open(options);
  try {
    await use({ engine, options, lines });
  } finally {
    await engine.close();
  }
}

/** For a test that stops or kills its server: one of its own. */
async function withServer(use: (server: PostgresServer) => Promise<void>): Promise<void> {
  await using own = await PostgresServer.start();
  await use(own);
}

/** Runs SQL in a session of its own. */
async function sql(options: Options, text: string): Promise<void> {
  const session = await Session.open(options.session);
  await session.run("test", { text });
  await session.close();
}

async function elapsedMs(action: () => Promise<unknown>): Promise<number> {
  const startMs = SYSTEM_CLOCK.monotonicMs();
  await action();
  return SYSTEM_CLOCK.monotonicMs() - startMs;
}

/** Tries again while the engine refuses: it opens its sessions in the background. */
async function eventually(action: () => Promise<void>): Promise<void> {
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + 20_000;
  while (true) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof EngineError) || SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw error;
      await SYSTEM_CLOCK.sleep(20);
    }
  }
}

const WRITERS = 8;

Deno.test("a server killed under load has every write that the engine acknowledged", () =>
  withServer((server) =>
    withEngine(async ({ engine }) => {
      for (let round = 0; round < 3; round++) {
        const answered: bigint[] = [];
        let serial = BigInt(round) * 1_000_000n;
        let isKilled = false;
        const hundred = Promise.withResolvers<void>();
        const writer = async () => {
          while (!isKilled) {
            const mine = serial++;
            const isDone = await engine.write(put(u64be(mine), u64be(mine)))
              .then(() => true, (error) => assert(error instanceof EngineError));
            if (isDone === true) answered.push(mine);
            if (answered.length === 100) hundred.resolve();
          }
        };
        const writers = Array.from({ length: WRITERS }, writer);
        await hundred.promise;
        const killed = server.kill();
        isKilled = true;
        await killed;
        await server.run();
        await Promise.all(writers);
        const values = await engine.getMany(0, answered.map(u64be));
        answered.forEach((mine, i) => {
          assert(equalBytes(values[i] ?? KEY, u64be(mine)), `lost ${mine} of round ${round}`);
        });
      }
    }, server)
  ));

Deno.test("calls fail while the server is away, naming it, and succeed after it is back", () =>
  withServer((server) =>
    withEngine(async ({ engine, options, lines }) => {
      const quick = await PostgresEngine.open({
        ...postgresOptions(server),
        session: { ...options.session, callTimeoutMs: 300 },
      });
      await quick.write(put(KEY));
      await server.stop();
      const tookMs = await elapsedMs(async () => {
        const away = /PostgreSQL at 127\.0\.0\.1:\d+\/postgres: .*ECONNREFUSED/;
        await assert.rejects(quick.get(0, KEY), away);
        await assert.rejects(quick.write(put(KEY)), /127\.0\.0\.1:\d+\/postgres/);
      });
      assert(tookMs < 2_000, `took ${tookMs} ms`);
      const waiting = engine.write(put(KEY)); // has ten seconds
      await server.run();
      await waiting;
      assert.deepEqual(await engine.get(0, KEY), Uint8Array.of(1));
      await eventually(() => quick.write(put(KEY)));
      await quick.close();
      assert(lines.some((line) => /warn: lost the session that writes/.test(line)));
      assert(lines.some((line) => /info: writes to PostgreSQL .* again/.test(line)));
    }, server)
  ));

Deno.test("calls to a server that does not answer end in time, and recover when it does", () =>
  withEngine(async ({ options }) => {
    const engine = await PostgresEngine.open({
      ...postgresOptions(server),
      session: { ...options.session, connectTimeoutMs: 500, callTimeoutMs: 500 },
    });
    await engine.write(put(KEY));
    await server.freeze();
    const tookMs = await elapsedMs(async () => {
      const calls = [engine.write(put(KEY)), engine.get(0, KEY), engine.getMany(0, [KEY])];
      for (const call of await Promise.allSettled(calls)) {
        assert(call.status === "rejected" && call.reason instanceof EngineError);
        assert.match(call.reason.message, /it did not answer in time/);
      }
    });
    assert(tookMs < 4_000, `took ${tookMs} ms`);
    const closedMs = await elapsedMs(() => engine.close());
    assert(closedMs < 3_000, `closing took ${closedMs} ms`);
    await server.thaw();
  }));

Deno.test("a second engine on a table is refused, one on another table is not", () =>
  withEngine(async ({ engine, options }) => {
    await assert.rejects(PostgresEngine.open(options), /another storage has it open/);
    const other = await PostgresEngine.open(postgresOptions(server));
    await other.close();
    await engine.close();
    const next = await PostgresEngine.open(options);
    await next.close();
  }));

Deno.test("an engine that lost its lock writes again only when it has it back", async () => {
  const { session, ...others } = postgresOptions(server);
  const options = { ...others, session: { ...session, callTimeoutMs: 1_000 } };
  const engine = await PostgresEngine.open(options);
  await engine.write(put(KEY));
  // a rival that comes between: the lock is taken in the session that ends the engine's one
  const rival = await Session.open(session);
  const [held] = await rival.run("test", {
    text: `
    SELECT classid::bigint << 32 | objid::bigint AS lock, pg_terminate_backend(pid) AS ended,
      pg_advisory_lock(classid::bigint << 32 | objid::bigint)
    FROM pg_locks WHERE locktype = 'advisory'`,
  });
  assert.equal(held?.ended, true);
  await assert.rejects(engine.write(put(KEY, Uint8Array.of(2))), EngineError);
  await assert.rejects(engine.write(put(KEY, Uint8Array.of(2))), /another storage has it open/);
  assert.deepEqual(await engine.get(0, KEY), Uint8Array.of(1));
  await rival.close();
  await eventually(() => engine.write(put(KEY, Uint8Array.of(4))));
  assert.deepEqual(await engine.get(0, KEY), Uint8Array.of(4));
  await engine.close();
});

Deno.test("a batch that the server refuses half way leaves nothing, and the session goes on", () =>
  withEngine(async ({ engine, options }) => {
    const { schema, table } = options.table;
    await sql(options, `ALTER TABLE ${schema}.${table} ADD CHECK (octet_length(value) < 9)`);
    // two statements: more rows than one takes
    const puts = [...Array(600).keys()].map((i) => ({
      region: 3,
      key: u64be(BigInt(i)),
      value: new Uint8Array(i === 599 ? 10 : 1),
    }));
    await assert.rejects(engine.write({ puts, deletes: [] }), /storage_\d+_value_check.*\(23514\)/);
    assert.equal(await engine.get(3, u64be(0n)), null);
    await engine.write({ puts: puts.slice(0, 599), deletes: [] });
    assert.equal((await engine.get(3, u64be(598n)))?.length, 1);
  }));

Deno.test("scan() walks more records than fit into one answer, large ones among them", () =>
  withEngine(async ({ engine }) => {
    const puts = [...Array(2_500).keys()].map((i) => ({
      region: 3,
      key: u64be(BigInt(i)),
      value: new Uint8Array(i % 500 === 0 ? 6_000_000 : 2).fill(i),
    }));
    await engine.write({ puts, deletes: [] });
    let next = 0;
    for await (const [key, value] of engine.scan(3)) {
      assert.deepEqual(key, u64be(BigInt(next)));
      assert.equal(value[1], next % 256);
      next += 1;
      if (next === 10) await engine.write({ puts: [], deletes: puts.slice(2_000) });
    }
    assert.equal(next, 2_500, "the walk shows one instant");
  }));

Deno.test("a commit that waits for a standby in vain is not acknowledged", () =>
  withServer(async (server) => {
    const { session, ...others } = postgresOptions(server);
    const options = { ...others, session: { ...session, callTimeoutMs: 500 } };
    await (await PostgresEngine.open(options)).close();
    await server.stop();
    await server.run({ synchronous_standby_names: "nobody" });
    const engine = await PostgresEngine.open(options);
    await assert.rejects(engine.write(put(KEY)), /it did not answer in time/);
    await engine.close();
  }));

Deno.test("a table of another program is refused", () =>
  withEngine(async ({ options }) => {
    const table = "of_another";
    await sql(options, `CREATE TABLE ${table} (region integer, key text, value text)`);
    const opening = PostgresEngine.open({ ...options, table: { schema: "public", table } });
    await assert.rejects(
      opening,
      /public\.of_another .* columns must be region integer, key bytea/,
    );
  }));

Deno.test("an engine creates its schema, and warns of a server that does not sync", () =>
  withServer(async (server) => {
    const { log, lines } = keepLines();
    const table = { schema: "chain_a", table: "node_0" };
    const options = { ...postgresOptions(server, log), table };
    await server.stop();
    await server.run({ fsync: "off", synchronous_commit: "off" });
    const engine = await PostgresEngine.open(options);
    await engine.write(put(KEY));
    await engine.close();
    assert(lines.some((line) => /^error: PostgreSQL .* runs with fsync=off/.test(line)));
  }));

const PROCESS = { clock: SYSTEM_CLOCK, signal: new AbortController().signal };

function configOf(overrides: Partial<PostgresConfig> = {}): PostgresConfig {
  return {
    host: "127.0.0.1",
    port: server.port,
    ...POSTGRES_USER,
    schema: "public",
    table: "of_config",
    password_file: null,
    tls: "disable",
    ca_file: null,
    connections: 2,
    connect_timeout: 2,
    call_timeout: 2,
    ...overrides,
  };
}

for (
  const [what, overrides, text] of [
    ["a wrong password", { password: "guess" }, /password authentication failed .*\(28P01\)/],
    [
      "an unknown database",
      { database: "nowhere" },
      /database "nowhere" does not exist.*\(3D000\)/,
    ],
    ["a server without TLS", { tls: "verify-full" }, /does not support SSL/],
  ] as const
) {
  Deno.test(`openPostgresEngine() refuses ${what} at once`, async () => {
    const { log } = keepLines();
    await assert.rejects(
      openPostgresEngine(configOf(overrides), { ...PROCESS, log }),
      (error) => error instanceof StartRefusal && text.test(error.message),
    );
  });
}

Deno.test("openPostgresEngine() waits for a server that is away, with one line", () =>
  withServer(async (server) => {
    const { log, lines } = keepLines();
    await server.stop();
    const opening = openPostgresEngine(configOf({ port: server.port }), { ...PROCESS, log });
    await SYSTEM_CLOCK.sleep(500);
    await server.run();
    await (await opening).close();
    assert.equal(lines.filter((line) => /ECONNREFUSED.*waits for it/.test(line)).length, 1);
  }));

Deno.test("openPostgresEngine() stops waiting when the process is asked to stop", async () => {
  const { log } = keepLines();
  const stop = new AbortController();
  const opening = openPostgresEngine(configOf({ port: freePort() }), {
    clock: SYSTEM_CLOCK,
    log,
    signal: stop.signal,
  });
  stop.abort();
  await assert.rejects(opening, EngineError);
});

Deno.test("an engine talks over a Unix socket", () =>
  withServer(async (server) => {
    await server.stop();
    await server.run({ unix_socket_directories: server.folder });
    const config = configOf({ host: server.folder, port: server.port });
    const engine = await openPostgresEngine(config, { ...PROCESS, log: keepLines().log });
    await engine.write(put(KEY));
    assert.deepEqual(await engine.get(0, KEY), Uint8Array.of(1));
    await engine.close();
  }));

const TLS_FOLDER = new URL("../../testing/tls/", import.meta.url).pathname;

Deno.test("an engine talks TLS, and checks the certificate when told so", () =>
  withServer(async (server) => {
    const { log } = keepLines();
    for (const name of ["server.pem", "server.key"]) {
      await server.writeFile(name, await Deno.readTextFile(`${TLS_FOLDER}${name}`));
    }
    await server.stop();
    await server.run({ ssl: "on", ssl_cert_file: "server.pem", ssl_key_file: "server.key" });
    // the certificate is for "localhost"
    const at = { port: server.port, host: "localhost" };
    const ca_file = `${TLS_FOLDER}ca.pem`;
    for (
      const accepted of [
        { ...at, tls: "verify-full" as const, ca_file },
        { ...at, tls: "require" as const, host: "127.0.0.1" },
      ]
    ) {
      const engine = await openPostgresEngine(configOf(accepted), { ...PROCESS, log });
      await engine.write(put(KEY));
      assert.deepEqual(await engine.get(0, KEY), Uint8Array.of(1));
      await engine.close();
    }
    for (const refused of [at, { ...at, host: "127.0.0.1", ca_file }]) {
      const opening = openPostgresEngine(
        configOf({ ...refused, tls: "verify-full" }),
        { ...PROCESS, log },
      );
      await assert.rejects(opening, StartRefusal);
    }
  }));
