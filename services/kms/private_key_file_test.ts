import assert from "node:assert/strict";
import { toHex } from "../../shared/bytes/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { StartRefusal } from "../../shared/service/mod.ts";
import { readPrivateKey } from "./private_key_file.ts";

const HEX = "ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690";
const eth = await loadSuite("eth");

async function withKeyFile(content: string | Uint8Array, test: (path: string) => void) {
  const path = await Deno.makeTempFile();
  try {
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readPrivateKey() reads 64 hex digits, with 0x and white space round them", async () => {
  for (const content of [HEX, `${HEX}\n`, `\r\n\t 0x${HEX}  \n`, HEX.toUpperCase()]) {
    await withKeyFile(content, (path) => {
      assert.equal(toHex(readPrivateKey(path, eth, SILENT_LOGGER)), HEX);
    });
  }
});

Deno.test("readPrivateKey() refuses what is no key, without showing it", async () => {
  const cases: readonly (readonly [content: string | Uint8Array, reason: RegExp])[] = [
    ["", /not private key in private_key_path/],
    ["0x", /not private key in private_key_path/],
    [HEX.slice(1), /not private key in private_key_path/],
    [`${HEX}00`, /not private key in private_key_path/],
    [`${HEX} ${HEX}`, /not private key in private_key_path/],
    [`g${HEX.slice(1)}`, /must be hex digits only/],
    [`0x0x${HEX.slice(2)}`, /must be hex digits only/],
    ["0".repeat(64), /must be a secret key of eth/],
    ["f".repeat(64), /must be a secret key of eth/],
    [new Uint8Array(64).fill(0xff), /must be UTF-8 text/],
    [new Uint8Array(70_000).fill(0x30), /must have 65536 bytes at most/],
  ];
  for (const [content, reason] of cases) {
    await withKeyFile(content, (path) => {
      assert.throws(() => readPrivateKey(path, eth, SILENT_LOGGER), (error) => {
        assert(error instanceof StartRefusal);
        assert.equal(error.exitCode, 101);
        assert.match(error.message, reason);
        return !error.message.includes(HEX.slice(1, 20));
      });
    });
  }
  assert.throws(() => readPrivateKey("/absent", eth, SILENT_LOGGER), StartRefusal);
});

Deno.test("readPrivateKey() warns of a file that others may read", async () => {
  await withKeyFile(HEX, (path) => {
    const warnings: string[] = [];
    const log = { ...SILENT_LOGGER, warn: (line: string) => void warnings.push(line) };
    for (const mode of [0o600, 0o400, 0o640, 0o604]) {
      Deno.chmodSync(path, mode);
      readPrivateKey(path, eth, log);
    }
    assert.deepEqual(
      warnings,
      Array(2).fill(`OTHER USERS MAY READ THE KEY: run: chmod 600 ${path}`),
    );
  });
});
