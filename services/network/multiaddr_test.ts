import assert from "node:assert/strict";
import fc from "fast-check";
import { buildMultiaddr, parseMultiaddr } from "./multiaddr.ts";

const PEER_ID = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";

Deno.test("parseMultiaddr() reads what 6.3.3 reads and renders it canonically", () => {
  const canonical = new Map([
    ["/dns4/127.0.0.1/tcp/40001", "/dns4/127.0.0.1/tcp/40001"],
    ["/ip4/127.0.0.1/tcp/5678/tls/fy", "/ip4/127.0.0.1/tcp/5678/tls/fy"],
    ["/ip4/1.2.3.4/tcp/+0080", "/ip4/1.2.3.4/tcp/80"],
    ["/ip6/0:0:0:0:0:0:0:1/tcp/1", "/ip6/::1/tcp/1"],
    ["/ip6/::FFFF:127.0.0.1/tcp/1", "/ip6/::ffff:127.0.0.1/tcp/1"],
    ["/dns4//tcp/1", "/dns4//tcp/1"],
    ["/ip4/1.2.3.4/tcp/1/tls/", "/ip4/1.2.3.4/tcp/1/tls/"],
    ["/ip4/1.2.3.4/tcp/1/ws", "/ip4/1.2.3.4/tcp/1/ws"],
    ["/memory/18446744073709551615", "/memory/18446744073709551615"],
    [`/ip4/1.2.3.4/tcp/1/p2p/${PEER_ID}`, `/ip4/1.2.3.4/tcp/1/p2p/${PEER_ID}`],
    ["", ""],
  ]);
  for (const [text, wanted] of canonical) assert.equal(parseMultiaddr(text)?.text, wanted, text);
});

Deno.test("parseMultiaddr() refuses what 6.3.3 refuses", () => {
  const malformed = [
    "nonsense",
    "foo",
    "/",
    "//",
    "/ip4/1.2.3/tcp/1",
    "/ip4/01.2.3.4/tcp/1",
    "/ip4/1.2.3.256/tcp/1",
    "/ip4/1.2.3.4/tcp/65536",
    "/ip4/1.2.3.4/tcp/-1",
    "/ip4/1.2.3.4/tcp/",
    "/ip4/1.2.3.4/tcp",
    "/ip4/1.2.3.4/tcp/1/",
    "/ip4/1.2.3.4/udp/1",
    "/ip4/1.2.3.4/tcp/1/quic",
    "/dns/localhost/tcp/1",
    "/ip6/1::2::3/tcp/1",
    "/ip6/::1]:80/tcp/1",
    "/memory/18446744073709551616",
    "/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
    "/p2p/0OIl",
    `/p2p/${"z".repeat(100_000)}`,
    "/constructor/x",
  ];
  for (const text of malformed) assert.equal(parseMultiaddr(text), null, text);
});

Deno.test("parseMultiaddr() takes names of hosts, and no other text in their place", () => {
  const names = ["", "a", "Node_1.test-chain.", "10.0.0.1", "münchen.example", "a".repeat(253)];
  const others = [
    "a\nb",
    "a\u0000",
    "\u001b[2J",
    "\u007f",
    "\u0085",
    "a b",
    'a"b',
    "a\\b",
    "a%b",
    "\u202e",
    "\u200b",
    "\ud800",
    "a".repeat(254),
  ];
  for (const component of ["dns4", "dns6", "tls"]) {
    for (const name of names) {
      const text = `/${component}/${name}`;
      assert.equal(parseMultiaddr(text)?.text, text);
    }
    for (const name of others) {
      assert.equal(parseMultiaddr(`/${component}/${name}`), null, JSON.stringify(name));
    }
  }
});

Deno.test("buildMultiaddr() renders components in their order", () => {
  const address = buildMultiaddr([
    { name: "dns4", value: "localhost" },
    { name: "tcp", value: "80" },
    { name: "tls", value: "fy" },
  ]);
  assert.equal(address.text, "/dns4/localhost/tcp/80/tls/fy");
});

Deno.test("parseMultiaddr() never throws, and its rendering parses to itself", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "ip4",
      "ip6",
      "dns4",
      "tcp",
      "tls",
      "p2p",
      "memory",
      "ws",
      "",
      "1.2.3.4",
      "::1",
    ),
    fc.string(),
    fc.integer().map(String),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const address = parseMultiaddr(`/${pieces.join("/")}`);
      if (address !== null) assert.deepEqual(parseMultiaddr(address.text), address);
    }),
    { numRuns: 2_000 },
  );
});
