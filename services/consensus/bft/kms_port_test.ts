import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { connectKms } from "./kms_port.ts";

Deno.test("a wait for the kms is told once, however short its pauses are", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  let pauses = 0;
  const kms = connectKms({
    port: freePort(),
    keyId: 1n,
    retryMs: 100,
    clock: {
      ...SYSTEM_CLOCK,
      sleep: (delayMs) => {
        assert.equal(delayMs, 100);
        if (++pauses === 3) stop.abort();
        return Promise.resolve();
      },
    },
    log: { ...SILENT_LOGGER, warn: (line: string) => void lines.push(line) },
  });
  assert.equal(await kms.waitUntilReady(stop.signal), null);
  kms.close();
  assert.equal(lines.filter((line) => line === "kms not ready! Retrying").length, 1);
});
