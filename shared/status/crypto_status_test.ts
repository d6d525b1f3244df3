import assert from "node:assert/strict";
import { StatusCode, toCryptoStatus } from "./mod.ts";

Deno.test("toCryptoStatus() gives the numbers of 6.5 to the codes that it numbered anew", () => {
  const numbers = [300, 301, 302, 303, 304, 305, 306].map((code) =>
    toCryptoStatus(code as StatusCode)
  );
  assert.deepEqual(numbers, [300, 301, 303, 302, 303, 304, 303]);
});

Deno.test("toCryptoStatus() leaves every other code as it is", () => {
  for (const code of Object.values(StatusCode)) {
    if (code >= 300 && code <= 306) continue;
    assert.equal(toCryptoStatus(code), code);
  }
});
