import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concatBytes, fromHex, toHex, uintToBytes } from "../../../bytes/mod.ts";
import { loadSm3 } from "../../hash/mod.ts";
import { createDigest, hashIdentity } from "../digest.ts";
import { SIGNED_MESSAGES, testVerifier } from "../known_answers.ts";
import { generateSmSecretKey, signSm, smPublicKeyOf } from "../signer.ts";
import { createCases } from "../testing/cases.ts";
import {
  createNobleJudge,
  createWasmJudge,
  NOT_FOR_SM_CRYPTO,
  SM_CRYPTO_JUDGE,
} from "../testing/judges.ts";
import { createNobleVerifier } from "../verifier.ts";
import { loadWasmVerifier } from "./verifier.ts";

const hash = await loadSm3();
const digest = createDigest(hash);

interface Signed {
  readonly message: Bytes;
  readonly signature: Bytes;
}

function signByNewKey(message: Bytes): Signed {
  const secretKey = generateSmSecretKey();
  const keyPair = { secretKey, publicKey: smPublicKeyOf(secretKey) };
  return { message, signature: signSm(digest, keyPair, message) };
}

Deno.test("digest and ZA are those of the example in GB/T 32918.5, A.2", () => {
  const [example] = SIGNED_MESSAGES;
  assert(example !== undefined);
  const publicKey = example.signature.subarray(64);
  assert.equal(
    toHex(
      smPublicKeyOf(fromHex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")),
    ),
    toHex(publicKey),
  );
  assert.equal(
    toHex(hashIdentity(hash, publicKey)),
    "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3",
  );
  assert.equal(
    digest(publicKey, example.message),
    0xf0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640n,
  );
});

Deno.test("both verifiers give the known answers", async () => {
  testVerifier(await loadWasmVerifier());
  testVerifier(createNobleVerifier(hash));
});

/** Every kind comes this often; the fuzz program runs many more (`make fuzz-sm2`). */
const CASES = 2_300;
const CASES_FOR_SM_CRYPTO = 92;

Deno.test("wasm and noble judge cases of every kind as they were made, wasm also by table", async () => {
  const noble = await createNobleJudge();
  let wasm = await createWasmJudge();
  const nextCase = createCases(hash, 4n);
  for (let i = 0; i < CASES; i++) {
    // a new module has a table for every key that comes again
    if (i % 500 === 499) wasm = await createWasmJudge();
    const { kind, subject, signature, isValid } = nextCase();
    const text = `case ${i}, ${kind}: ${toHex(signature)}`;
    assert.equal(noble(subject, signature), isValid, `noble, ${text}`);
    for (const round of [1, 2, 3]) {
      assert.equal(wasm(subject, signature), isValid, `wasm, round ${round}, ${text}`);
    }
  }
});

Deno.test("sm-crypto judges cases as they were made", () => {
  const nextCase = createCases(hash, 5n);
  for (let i = 0; i < CASES_FOR_SM_CRYPTO; i++) {
    const { kind, subject, signature, isValid } = nextCase();
    if (NOT_FOR_SM_CRYPTO.includes(kind)) continue;
    assert.equal(SM_CRYPTO_JUDGE(subject, signature), isValid, `${kind}: ${toHex(signature)}`);
  }
});

Deno.test("WasmVerifier.recover() hashes messages of any length", async () => {
  const verifier = await loadWasmVerifier();
  const secretKey = generateSmSecretKey();
  const keyPair = { secretKey, publicKey: smPublicKeyOf(secretKey) };
  const address = hash(keyPair.publicKey).subarray(12);
  const sizes = [...Array(140).keys(), 4095, 4096, 4097, 8192, 100_000];
  for (const size of sizes) {
    const message = new Uint8Array(size).fill(size);
    const signature = signSm(digest, keyPair, message);
    assert.deepEqual(verifier.recover(message, signature), address, `${size} bytes`);
    assert.equal(verifier.recover(concatBytes(message, Uint8Array.of(0)), signature), null);
  }
});

Deno.test("WasmVerifier.recover() reads parts of larger buffers and returns fresh addresses", async () => {
  const verifier = await loadWasmVerifier();
  const first = signByNewKey(new Uint8Array(32).fill(1));
  const second = signByNewKey(new Uint8Array(32).fill(2));
  const frame = concatBytes(fromHex("aabbcc"), first.message, first.signature, fromHex("dd"));
  const address = verifier.recover(frame.subarray(3, 35), frame.subarray(35, 163));
  assert(address !== null);
  const copy = toHex(address);
  verifier.recover(second.message, second.signature);
  assert.equal(toHex(address), copy);
});

Deno.test("WasmVerifier keeps more keys than it has tables for apart, without building for each", async () => {
  const verifier = await loadWasmVerifier();
  const keyCount = 560;
  const signed = Array.from(
    { length: keyCount },
    (_, i) => signByNewKey(uintToBytes(BigInt(i), 32)),
  );
  const addresses = signed.map(({ signature }) => hash(signature.subarray(64)).subarray(12));
  const foreign = uintToBytes(999n, 32);
  const tablesMax = 512;
  const rounds = 4;
  for (let round = 0; round < rounds; round++) {
    for (const [i, { message, signature }] of signed.entries()) {
      assert.deepEqual(verifier.recover(message, signature), addresses[i]);
      assert.equal(verifier.recover(foreign, signature), null);
    }
  }
  assert.equal(verifier.tableCount(), tablesMax);
  // some keys lose their table to others, but not each to the next
  const built = verifier.tablesBuilt() - tablesMax;
  assert(built > 0 && built <= (rounds - 1) * keyCount / 8, `${built} tables replaced others`);
});

Deno.test("WasmVerifier builds a table with the second valid signature of a key", async () => {
  const verifier = await loadWasmVerifier();
  const { message, signature } = signByNewKey(new Uint8Array(32));
  for (let i = 0; i < 5; i++) {
    assert.equal(verifier.recover(Uint8Array.of(i), signature), null);
    assert.equal(verifier.tableCount(), 0);
  }
  verifier.recover(message, signature);
  assert.equal(verifier.tableCount(), 0);
  verifier.recover(message, signature);
  verifier.recover(message, signature);
  assert.equal(verifier.tableCount(), 1);
});

Deno.test("loadWasmVerifier() throws for a module that does not compile", async () => {
  await assert.rejects(loadWasmVerifier(fromHex("0061736d01000000ff")));
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), async (bytes) => {
      await assert.rejects(loadWasmVerifier(bytes));
    }),
    { numRuns: 20 },
  );
});
