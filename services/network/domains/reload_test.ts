/** Section 4.10 of spec/network.md, line by line. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ManualClock } from "../testing/manual_clock.ts";
import { RecordingLogger } from "../testing/recording_logger.ts";
import { defineDomainTable } from "./config.ts";
import type { KnownPeer } from "./core/neighbours.ts";
import { ConfigWatch } from "./reload.ts";

const INTERVAL_MS = 60_000;
const SETTLE_MS = 1_000;
const B = { host: "127.0.0.1", port: 1, domain: "b.test" };
const C = { host: "localhost", port: 2, domain: "c.test" };

function configOf(...peers: readonly KnownPeer[]): string {
  const tables = peers.map(({ host, port, domain }) =>
    `[[network_tls.peers]]\nhost = "${host}"\nport = ${port}\ndomain = "${domain}"\n`
  );
  return `[network_tls]\nca_cert = ""\ncert = ""\npriv_key = ""\n${tables.join("")}`;
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** A watched file; disposal removes it. */
class Watched implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "network-reload-" });
  readonly path = `${this.folder}/config.toml`;
  readonly clock = new ManualClock();
  readonly log = new RecordingLogger();
  /** Domains of every change that was passed on. */
  readonly changes: string[][] = [];
  #watch: ConfigWatch | null = null;

  /** Made at its first use, so that a test can write the file before. */
  get watch(): ConfigWatch {
    this.#watch ??= new ConfigWatch({
      path: this.path,
      table: defineDomainTable("network_tls"),
      intervalMs: INTERVAL_MS,
      onPeers: (peers) => this.changes.push(peers.map(({ domain }) => domain)),
      clock: this.clock,
      log: this.log,
    });
    return this.#watch;
  }

  write(text: string): void {
    Deno.writeTextFileSync(this.path, text);
  }

  /** Lets the next look see a change, and one more confirm it. */
  settle(): void {
    this.clock.advance(INTERVAL_MS + SETTLE_MS);
  }

  /** What was logged since the last call. */
  lines(): string[] {
    return this.log.lines.splice(0).map(({ message }) => message);
  }

  [Symbol.dispose](): void {
    this.watch.stop();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function startWatching(...peers: readonly KnownPeer[]): Watched {
  const watched = new Watched();
  watched.write(configOf(...peers));
  watched.watch.start();
  return watched;
}

Deno.test("ConfigWatch.start() logs what it watches, and its digest", () => {
  using watched = startWatching(B);
  assert.deepEqual(watched.lines(), [
    `monitoring config file: (${watched.path})`,
    `config file initial md5: ${md5(configOf(B))}`,
  ]);
});

Deno.test("ConfigWatch passes nothing on while the file is the same", () => {
  using watched = startWatching(B);
  watched.lines();
  watched.clock.advance(100 * INTERVAL_MS);
  watched.write(configOf(B));
  watched.clock.advance(100 * INTERVAL_MS);
  assert.deepEqual([watched.changes, watched.lines()], [[], []]);
});

Deno.test("ConfigWatch passes a change on that came while the service started", () => {
  using watched = new Watched();
  watched.write(configOf(B));
  const { watch } = watched;
  watched.write(configOf(B, C));
  watch.start();
  watched.settle();
  assert.deepEqual(watched.changes, [["b.test", "c.test"]]);
});

Deno.test("ConfigWatch passes the peers of a changed file on, once", () => {
  using watched = startWatching(B);
  watched.lines();
  const versions = [[B, C], [C], []];
  for (const peers of versions) {
    watched.write(configOf(...peers));
    watched.clock.advance(INTERVAL_MS + SETTLE_MS - 1);
    assert.deepEqual(watched.changes, [], "seen, and not confirmed");
    watched.clock.advance(1);
    assert.deepEqual(watched.changes.splice(0), [peers.map(({ domain }) => domain)]);
    assert.deepEqual(watched.lines(), [`config file new md5: ${md5(configOf(...peers))}`]);
  }
});

Deno.test("ConfigWatch leaves a file that cannot be used alone until it changes again", () => {
  using watched = startWatching(B);
  const { log, path } = watched;
  for (const bad of ["[network_tls", "", "[other]\n", configOf(B).replace("= 1", '= "x"')]) {
    watched.lines();
    watched.write(bad);
    watched.settle();
    watched.clock.advance(10 * INTERVAL_MS);
    assert.deepEqual(watched.changes, [], bad);
    assert.equal(log.lines.at(-1)?.level, "warn");
    assert.deepEqual(watched.lines(), [
      `config file new md5: ${md5(bad)}`,
      `load config file: (${path}) failed, check format`,
    ], "one try only");
  }
  watched.write(configOf(B, C));
  watched.settle();
  assert.deepEqual(watched.changes, [["b.test", "c.test"]]);
});

Deno.test("ConfigWatch does not watch a file that is missing at the start", () => {
  using watched = new Watched();
  watched.watch.start();
  assert.equal(watched.log.lines[0]?.level, "warn");
  assert.deepEqual(watched.lines(), ["calculate config file md5 failed, hot update invalid"]);
  watched.write(configOf(B));
  watched.clock.advance(10 * INTERVAL_MS);
  assert.deepEqual([watched.changes, watched.lines()], [[], []]);
});

Deno.test("ConfigWatch goes on when the file is missing for a while", () => {
  using watched = startWatching(B);
  watched.lines();
  const missing = "calculate config file md5 failed, make sure it's not removed";
  for (const peers of [[B], [B, C]]) {
    Deno.removeSync(watched.path);
    watched.clock.advance(10 * INTERVAL_MS);
    assert.deepEqual(watched.lines(), [missing], "said once");
    assert.deepEqual(watched.changes, []);
    watched.write(configOf(...peers));
    watched.settle();
  }
  assert.deepEqual(watched.changes, [["b.test", "c.test"]], "the same file again is no change");
});

Deno.test("ConfigWatch does nothing with a file that is half written when it looks", () => {
  using watched = startWatching(B, C);
  watched.lines();
  const whole = configOf(B, C, { ...C, domain: "d.test" });
  const parts = [whole.slice(0, 70), configOf(B), "", configOf(B, C)];
  watched.write("# other\n");
  watched.clock.advance(INTERVAL_MS);
  for (const part of parts) {
    watched.write(part);
    watched.clock.advance(SETTLE_MS);
    assert.deepEqual([watched.changes, watched.lines()], [[], []], "each was seen once");
  }
  watched.write(whole);
  watched.clock.advance(INTERVAL_MS + SETTLE_MS);
  assert.deepEqual(watched.changes, [["b.test", "c.test", "d.test"]]);
});

Deno.test("ConfigWatch.stop() ends it, also between two looks", () => {
  using watched = startWatching(B);
  watched.lines();
  watched.write(configOf(C));
  watched.clock.advance(INTERVAL_MS);
  watched.watch.stop();
  watched.clock.advance(10 * INTERVAL_MS);
  assert.deepEqual([watched.changes, watched.lines()], [[], []]);
});
