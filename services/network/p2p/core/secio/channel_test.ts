/** spec/network.md, section 9, and handshakes recorded from the library of the reference. */

import assert from "node:assert/strict";
import {
  type Bytes,
  concatBytes,
  EMPTY_BYTES,
  fromHex,
  toHex,
  u32be,
} from "../../../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../../../shared/clock/mod.ts";
import { MemoryBudget } from "../../../core/memory_budget.ts";
import { keyOf } from "../../testing/node_keys.ts";
import { loadSecioVectors } from "../../testing/secio_vectors.ts";
import { peerIdOf } from "../peer_id.ts";
import { CHANNEL_SEED_SIZE, SecioChannel } from "./channel.ts";
import { encodePropose } from "./messages.ts";
import { OWN_LISTS } from "./choice.ts";

const VECTORS = loadSecioVectors();
/** What the secret key of the recording is made of. */
const OWN_BYTE = Number(`0x${VECTORS.own_secret_key_hex.slice(0, 2)}`);
const UTF8 = new TextEncoder();

const WELCOME = (_publicKey: Bytes): string | null => null;

function openChannel(byte: number, seed: number | Bytes, refusalOf = WELCOME) {
  const random = seededRandom(typeof seed === "number" ? seed : 0);
  const bytes = typeof seed === "number"
    ? Uint8Array.from({ length: CHANNEL_SEED_SIZE }, () => Math.floor(random() * 256))
    : seed;
  return new SecioChannel({
    key: keyOf(byte),
    seed: bytes,
    budget: new MemoryBudget(2 ** 30),
    refusalOf,
  });
}

/** Moves handshake messages between two channels until neither has any; the first problem ends it. */
function shakeHands(a: SecioChannel, b: SecioChannel): string | null {
  for (;;) {
    const [toB, toA] = [a, b].map((side) => concatBytes(...side.takeOutput()));
    if (!toA?.length && !toB?.length) return null;
    for (const [side, bytes] of [[a, toA], [b, toB]] as const) {
      const problem = side.receive(bytes ?? new Uint8Array(0));
      if (problem !== null) return problem;
    }
  }
}

function seal(channel: SecioChannel, text: string): Bytes {
  const sealed = channel.seal(UTF8.encode(text));
  assert(sealed !== null);
  return concatBytes(...sealed.frame);
}

function plainOf(channel: SecioChannel): string {
  return new TextDecoder().decode(concatBytes(...channel.takePlain()));
}

for (const [index, recorded] of VECTORS.handshakes.entries()) {
  const { peer_role, peer_id, peer_ciphers, peer_digests } = recorded;
  const name = `recorded handshake ${index} (${peer_role}, ${peer_ciphers}, ${peer_digests})`;
  for (const size of [1, 7, 100_000]) {
    Deno.test(`SecioChannel answers ${name} in pieces of ${size}`, () => {
      const channel = openChannel(OWN_BYTE, fromHex(recorded.seed_hex));
      const written: Bytes[] = [...channel.takeOutput()];
      const plain: Bytes[] = [];
      let hasSaidHello = false;
      const bytes = fromHex(recorded.from_peer_hex);
      for (let offset = 0; offset < bytes.length; offset += size) {
        assert.equal(channel.receive(bytes.slice(offset, offset + size)), null);
        written.push(...channel.takeOutput());
        plain.push(...channel.takePlain());
        if (channel.peerKey === null || hasSaidHello) continue;
        hasSaidHello = true;
        written.push(seal(channel, "hello world"));
      }
      assert(channel.peerKey !== null);
      assert.equal(peerIdOf(channel.peerKey), peer_id);
      assert.equal(toHex(concatBytes(...written)), recorded.to_peer_hex);
      assert.equal(toHex(concatBytes(...plain)), recorded.plain_hex);
    });
  }
}

Deno.test("peerIdOf() is the multihash of the key in base58, as the reference computes it", () => {
  assert.equal(peerIdOf(keyOf(OWN_BYTE).publicKey), VECTORS.own_peer_id);
});

Deno.test("Two SecioChannels know each other and carry bytes, whoever is preferred", () => {
  for (let seed = 0; seed < 8; seed++) {
    const [a, b] = [openChannel(1, 2 * seed), openChannel(2, 2 * seed + 1)];
    assert.equal(shakeHands(a, b), null);
    assert.deepEqual(a.peerKey, keyOf(2).publicKey);
    assert.deepEqual(b.peerKey, keyOf(1).publicKey);
    for (const text of ["one", "two", "three"]) {
      assert.equal(b.receive(seal(a, text)), null);
      assert.equal(plainOf(b), text);
      assert.equal(a.receive(seal(b, text)), null);
      assert.equal(plainOf(a), text);
    }
  }
});

Deno.test("SecioChannel makes frames of at most 64 KiB and takes such of 8 MiB", () => {
  const [a, b] = [openChannel(1, 1), openChannel(2, 2)];
  shakeHands(a, b);
  const sealed = a.seal(new Uint8Array(100_000));
  assert.equal(sealed?.taken, 65_536);
  assert.equal(b.receive(concatBytes(...sealed.frame)), null);
  assert.equal(b.takePlain()[0]?.length, 65_536);
  assert.equal(b.receive(u32be(8 * 1024 * 1024)), null);
  assert.match(a.receive(u32be(8 * 1024 * 1024 + 1)) ?? "", /exceeds 8388608/);
});

Deno.test("SecioChannel encrypts nothing before the peer is known", () => {
  const channel = openChannel(1, 1);
  assert.equal(channel.seal(UTF8.encode("secret")), null);
  assert.equal(channel.peerKey, null);
});

Deno.test("SecioChannel refuses itself, whatever the nonces are", () => {
  assert.equal(shakeHands(openChannel(1, 1), openChannel(1, 2)), "the peer is this node itself");
});

Deno.test("SecioChannel refuses a peer that is not wanted before it signs anything for it", () => {
  const asked: string[] = [];
  const a = openChannel(1, 1, (publicKey) => {
    asked.push(toHex(publicKey));
    return "not wanted";
  });
  a.takeOutput();
  const b = openChannel(2, 2);
  assert.equal(a.receive(concatBytes(...b.takeOutput())), "not wanted");
  assert.deepEqual(a.takeOutput(), []);
  assert.deepEqual(asked, [toHex(keyOf(2).publicKey)]);
});

Deno.test("SecioChannel takes at most 64 KiB a frame until the peer has echoed the nonce", () => {
  const echoing = () => {
    const [a, b] = [openChannel(1, 1), openChannel(2, 2)];
    for (let round = 0; round < 2; round++) {
      const [toB, toA] = [a, b].map((side) => concatBytes(...side.takeOutput()));
      a.receive(toA ?? EMPTY_BYTES);
      b.receive(toB ?? EMPTY_BYTES);
    }
    return a;
  };
  assert.equal(echoing().receive(u32be(64 * 1024)), null);
  assert.match(echoing().receive(u32be(64 * 1024 + 1)) ?? "", /frame of 65537 bytes exceeds/);
});

Deno.test("SecioChannel takes public keys of 33 bytes only", () => {
  for (const size of [0, 32, 34, 65]) {
    const publicKey = new Uint8Array(size).fill(4);
    const message = encodePropose({ nonce: new Uint8Array(16), publicKey, ...OWN_LISTS });
    const problem = openChannel(1, 1).receive(concatBytes(u32be(message.length), message));
    assert.match(problem ?? "", /malformed/, `${size} bytes`);
  }
});

Deno.test("SecioChannel says that a plain neighbour does not encrypt", () => {
  const opening = fromHex("00010001000000010000000000000000000000010000002b");
  assert.match(
    openChannel(1, 1).receive(opening) ?? "",
    /the peer does not encrypt, it may have no key_file/,
  );
});

Deno.test("SecioChannel refuses proposals without anything in common", () => {
  const own = { nonce: new Uint8Array(16), publicKey: keyOf(2).publicKey, ...OWN_LISTS };
  const send = (message: Bytes) =>
    openChannel(1, 1).receive(concatBytes(u32be(message.length), message)) ?? "";
  for (const list of ["agreements", "ciphers", "digests"]) {
    for (const names of ["", "NULL", "p-256,", ",,", "X25519X"]) {
      const problem = send(encodePropose({ ...own, [list]: names }));
      assert.equal(problem, "no common algorithms", `${list} "${names}"`);
    }
  }
  for (const nonce of [new Uint8Array(0), new Uint8Array(65)]) {
    assert.match(send(encodePropose({ ...own, nonce })), /malformed/);
  }
  for (const size of [0, 4, 100, 4_096]) assert.match(send(new Uint8Array(size)), /malformed/);
  assert.match(send(new Uint8Array(4_097)), /frame of 4097 bytes exceeds 4096/);
});

Deno.test("SecioChannel refuses a handshake of which any byte was changed", () => {
  const record = (): [Bytes, SecioChannel] => {
    const [a, b] = [openChannel(1, 1), openChannel(2, 2)];
    const fromA: Bytes[] = [];
    for (let round = 0; round < 4; round++) {
      const [toB, toA] = [a, b].map((side) => concatBytes(...side.takeOutput()));
      if (toB !== undefined && toA !== undefined) {
        fromA.push(toB);
        b.receive(toB);
        a.receive(toA);
      }
    }
    return [concatBytes(...fromA), b];
  };
  const [bytes] = record();
  for (let index = 0; index < bytes.length; index++) {
    const changed = bytes.slice();
    changed[index] = (changed[index] ?? 0) ^ 1;
    const b = openChannel(2, 2);
    b.receive(changed);
    assert.equal(b.peerKey, null, `byte ${index}`);
  }
});

Deno.test("SecioChannel ends with a frame that was changed, repeated, left out or reordered", () => {
  const frames = (): [SecioChannel, Bytes, Bytes] => {
    const [a, b] = [openChannel(1, 1), openChannel(2, 2)];
    shakeHands(a, b);
    return [b, seal(a, "one"), seal(a, "two")];
  };
  const [, one, two] = frames();
  const changed = one.slice();
  changed[one.length - 1] = (changed[one.length - 1] ?? 0) ^ 1;
  for (const sequence of [[changed], [one, one], [two], [two, one]]) {
    const [b] = frames();
    assert.equal(b.receive(concatBytes(...sequence)), "a frame of the peer cannot be decrypted");
    assert.notEqual(b.receive(one), null, "a channel does not recover");
  }
});

Deno.test("SecioChannel gives back the memory of an unfinished frame", () => {
  const budget = new MemoryBudget(5_000);
  budget.addSharers(1); // so that its frame takes from what all have together
  const key = keyOf(1);
  const channel = new SecioChannel({
    key,
    seed: new Uint8Array(CHANNEL_SEED_SIZE),
    budget,
    refusalOf: WELCOME,
  });
  channel.receive(concatBytes(u32be(4_000), new Uint8Array(100)));
  assert(budget.used > 0);
  channel.close();
  assert.equal(budget.used, 0);
});

Deno.test("SecioChannel survives whatever a peer sends", () => {
  const [seed] = crypto.getRandomValues(new Uint32Array(1));
  const random = seededRandom(seed ?? 0);
  const byte = () => Math.floor(random() * 256);
  for (let round = 0; round < 200; round++) {
    const recorded = VECTORS.handshakes[round % VECTORS.handshakes.length];
    assert(recorded !== undefined);
    const bytes = fromHex(recorded.from_peer_hex);
    const channel = openChannel(OWN_BYTE, fromHex(recorded.seed_hex));
    for (let change = 0; change < 3; change++) bytes[Math.floor(random() * bytes.length)] = byte();
    try {
      channel.receive(bytes);
      channel.receive(Uint8Array.from({ length: 50 }, byte));
    } catch (cause) {
      throw new Error(`seed ${seed}, round ${round}`, { cause });
    }
  }
});
