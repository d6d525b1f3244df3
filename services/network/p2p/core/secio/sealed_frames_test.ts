import assert from "node:assert/strict";
import { concatBytes, fromHex } from "../../../../../shared/bytes/mod.ts";
import { sealAead } from "../../../../../shared/crypto/mod.ts";
import { FrameOpener, FrameSealer } from "./sealed_frames.ts";

const NAME = "CHACHA20_POLY1305";
const KEY = new Uint8Array(32).fill(1);
const PLAIN = new Uint8Array([7]);

Deno.test("FrameSealer counts frames from 1 in a little-endian nonce, with carries", () => {
  const sealer = new FrameSealer(NAME, KEY);
  const opener = new FrameOpener(NAME, KEY);
  const nonces = new Map([
    [1, "010000000000000000000000"],
    [255, "ff0000000000000000000000"],
    [256, "000100000000000000000000"],
    [257, "010100000000000000000000"],
    [65_535, "ffff00000000000000000000"],
    [65_536, "000001000000000000000000"],
  ]);
  for (let count = 1; count <= 65_536; count++) {
    const { frame } = sealer.seal(PLAIN);
    const nonce = nonces.get(count);
    const sealed = concatBytes(...frame).subarray(4);
    assert.deepEqual(opener.open(sealed)?.[0], PLAIN[0], `frame ${count}`);
    if (nonce === undefined) continue;
    assert.deepEqual(sealed, sealAead({ name: NAME, key: KEY, nonce: fromHex(nonce) }, PLAIN));
  }
});

Deno.test("FrameOpener takes no frame that is shorter than its check value", () => {
  for (const size of [0, 1, 15]) {
    assert.equal(new FrameOpener(NAME, KEY).open(new Uint8Array(size)), null);
  }
});
