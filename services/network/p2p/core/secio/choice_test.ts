import assert from "node:assert/strict";
import { toHex } from "../../../../../shared/bytes/mod.ts";
import { choose, deriveKeys, OWN_LISTS, stretch } from "./choice.ts";

const SIDE = { nonce: new Uint8Array(16), publicKey: new Uint8Array(33), ...OWN_LISTS };

/** The own side is preferred when it is the greater one; nonces find both cases. */
function chooseAs(isFirst: boolean, peerLists: Partial<typeof OWN_LISTS>) {
  for (let byte = 0; byte < 256; byte++) {
    const peer = { ...SIDE, ...peerLists, nonce: new Uint8Array(16).fill(byte + 1) };
    const choice = choose(SIDE, peer);
    if (typeof choice !== "string" && choice.isFirst === isFirst) return choice;
  }
  throw new Error("no nonce has this order");
}

Deno.test("choose() takes the first of the preferred side that the other one knows", () => {
  const lists = {
    agreements: "P-384,P-256",
    ciphers: "X,AES-256-GCM,AES-128-GCM",
    digests: "SHA512,SHA256",
  };
  const own = { agreement: "P-256", cipher: "AES-128-GCM", digest: "SHA256" };
  assert.deepEqual(chooseAs(true, lists), { isFirst: true, ...own });
  const theirs = { agreement: "P-384", cipher: "AES-256-GCM", digest: "SHA512" };
  assert.deepEqual(chooseAs(false, lists), { isFirst: false, ...theirs });
});

Deno.test("choose() gives both sides the same algorithms and opposite halves", () => {
  for (let byte = 1; byte < 50; byte++) {
    const peer = {
      ...SIDE,
      ciphers: "AES-256-GCM,CHACHA20_POLY1305",
      nonce: new Uint8Array(16).fill(byte),
    };
    const [own, other] = [choose(SIDE, peer), choose(peer, SIDE)];
    assert(typeof own !== "string" && typeof other !== "string");
    assert.equal(own.isFirst, !other.isFirst);
    const secret = new Uint8Array(32).fill(byte);
    const [keys, mirrored] = [
      deriveKeys(own, secret),
      deriveKeys({ ...own, isFirst: !own.isFirst }, secret),
    ];
    assert.deepEqual(keys, { own: mirrored.peer, peer: mirrored.own });
    assert.notDeepEqual(keys.own, keys.peer);
  }
});

Deno.test("choose() refuses equal orders", () => {
  assert.match(String(choose(SIDE, SIDE)), /what this node does/);
});

Deno.test("stretch() makes what the reference makes", () => {
  const made = stretch({ digest: "SHA256", secret: new Uint8Array(32), size: 32 });
  assert.equal(toHex(made), "67903cc75591ef474fc655a420358fcd3230990a25205501e23dc1019a78cf50");
  const long = stretch({ digest: "SHA512", secret: new Uint8Array(32), size: 200 });
  assert.equal(long.length, 200);
  assert.notDeepEqual(long.subarray(0, 64), long.subarray(64, 128));
});
