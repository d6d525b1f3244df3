import assert from "node:assert/strict";
import { parseModuleAddress } from "./module_address.ts";

Deno.test("parseModuleAddress() reads names and addresses with a port", () => {
  for (const host of ["localhost", "127.0.0.1", "controller.node-0.svc", "::1", "my_host"]) {
    assert.deepEqual(parseModuleAddress(host, "50004"), { host, port: 50004 });
  }
  assert.deepEqual(parseModuleAddress("[::1]", "1"), { host: "::1", port: 1 });
});

Deno.test("parseModuleAddress() is null for what is no port or no host", () => {
  for (const port of ["", "notaport", "0", "65536", "-1", "80 ", "1e3"]) {
    assert.equal(parseModuleAddress("127.0.0.1", port), null, port);
  }
  for (const host of ["", "a b", "a/b", "user@host", "a:1", "[", "-x", "x".repeat(254)]) {
    assert.equal(parseModuleAddress(host, "1"), null, host);
  }
});
