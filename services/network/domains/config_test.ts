import assert from "node:assert/strict";
import {
  ConfigError,
  describeTable,
  parseDocument,
  readTable,
} from "../../../shared/config/mod.ts";
import { defineDomainTable } from "./config.ts";

const TABLE = defineDomainTable("network_tls");
const KEYS = 'ca_cert = "a"\ncert = "b"\npriv_key = "c"\n';

function read(lines: string) {
  return readTable(TABLE, parseDocument(`[network_tls]\n${lines}`, "config.toml"));
}

Deno.test("defineDomainTable() has the keys and defaults of the reference", () => {
  assert.deepEqual(read(KEYS), {
    grpc_port: 50000,
    listen_port: 40000,
    reconnect_timeout: 5,
    try_hot_update_interval: 60,
    ca_cert: "a",
    cert: "b",
    priv_key: "c",
    peers: [],
    enable_metrics: true,
    metrics_port: 0,
    metrics_buckets: [0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 250, 500],
  });
});

Deno.test("defineDomainTable() takes peers, and needs host, port and domain of each", () => {
  const peer = 'host = "localhost"\nport = 40001\ndomain = "b.test"\n';
  const peers = (text: string) => read(`${KEYS}[[network_tls.peers]]\n${text}`).peers;
  assert.deepEqual(peers(peer), [{ host: "localhost", port: 40001, domain: "b.test" }]);
  for (const line of peer.trimEnd().split("\n")) {
    assert.throws(() => peers(peer.replace(`${line}\n`, "")), ConfigError, line);
  }
});

Deno.test("defineDomainTable() needs certificates, and looks at its file", () => {
  for (const line of KEYS.trimEnd().split("\n")) {
    const key = line.split(" ")[0] ?? "";
    assert.throws(() => read(KEYS.replace(`${line}\n`, "")), new RegExp(`network_tls.${key}`));
  }
  assert.throws(
    () => read(`${KEYS}try_hot_update_interval = 0\n`),
    /network_tls.try_hot_update_interval/,
  );
  assert.equal(read(`${KEYS}reconnect_timeout = 0\n`).reconnect_timeout, 0);
});

Deno.test("the README shows the table", () => {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const columns = (text: string) =>
    text.split("\n").map((line) => line.split(/\s*\|\s*/).join("|"));
  const shown = columns(readme);
  for (const row of columns(describeTable(TABLE)).slice(2)) assert(shown.includes(row), row);
});
