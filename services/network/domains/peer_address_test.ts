import assert from "node:assert/strict";
import { peerFromMultiaddr } from "./peer_address.ts";

Deno.test("peerFromMultiaddr() reads host, port and domain", () => {
  const hosts = [["dns4", "node.test"], ["ip4", "127.0.0.1"], ["dns6", "node.test"], [
    "ip6",
    "::1",
  ]];
  for (const [kind, host] of hosts) {
    assert.deepEqual(
      peerFromMultiaddr(`/${kind}/${host}/tcp/40000/tls/b.test`),
      { host, port: 40000, domain: "b.test" },
    );
  }
});

Deno.test("peerFromMultiaddr() takes the last of each kind, in any order", () => {
  assert.deepEqual(
    peerFromMultiaddr("/tls/x/tcp/1/ip4/10.0.0.1/tls/b.test/dns4/node.test/tcp/2"),
    { host: "node.test", port: 2, domain: "b.test" },
  );
});

Deno.test("peerFromMultiaddr() says what is missing, the host first", () => {
  const reasons = {
    "/tcp/1/tls/b.test": "host not present in multiaddr",
    "/tls/b.test": "host not present in multiaddr",
    "/ip4/127.0.0.1/tls/b.test": "port not present in multiaddr",
    "/ip4/127.0.0.1": "port not present in multiaddr",
    "/ip4/127.0.0.1/tcp/1": "domain not present in multiaddr",
    "nonsense": 'parse multiaddr failed: "nonsense" is no multiaddr',
    "": "host not present in multiaddr",
    "/ip4/1.2.3/tcp/1/tls/b": 'parse multiaddr failed: "/ip4/1.2.3/tcp/1/tls/b" is no multiaddr',
  };
  for (const [address, reason] of Object.entries(reasons)) {
    assert.deepEqual(peerFromMultiaddr(address), { reason });
  }
});
