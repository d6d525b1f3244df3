import assert from "node:assert/strict";
import {
  GenerateKeyPairResponse,
  RecoverSignatureRequest,
  SignMessageRequest,
  SignMessageResponse,
} from "../../../proto/gen/kms.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { freePort } from "../../free_ports.ts";
import { Player, withFolder } from "./player.ts";
import { readJson, readLines, type RecordedCall, vectorPath } from "./recordings.ts";

const SERVICE = "/kms.KmsService";

async function withKms(database: string, test: (kms: Player) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.copyFile(vectorPath(database), `${folder}/kms.db`);
    const port = freePort();
    const config = `[kms_sm]\nkms_port = ${port}\ndb_key = "123456"\n`;
    await using kms = await Player.start({ role: "kms", folder, config, port });
    await test(kms);
    assert.equal(await kms.stop(), 0);
  });
}

async function hexOf(kms: Player, method: string, request: Uint8Array): Promise<string> {
  const answer = await kms.call(`${SERVICE}/${method}`, request);
  assert("hex" in answer, `${method} answers ${JSON.stringify(answer)}`);
  return answer.hex;
}

/** Signatures are random: ours must be by the same key, as both programs see it. */
async function expectSameSigner(kms: Player, call: RecordedCall): Promise<void> {
  const recorded = decode(SignMessageResponse, fromHex(call.response_hex ?? ""));
  const { msg } = decode(SignMessageRequest, fromHex(call.request_hex));
  const ours = await hexOf(kms, "SignMessage", fromHex(call.request_hex));
  const { status, signature } = decode(SignMessageResponse, fromHex(ours));
  assert.deepEqual(status, { code: 0 });
  const signerOf = (bytes: Uint8Array) =>
    hexOf(kms, "RecoverSignature", encode(RecoverSignatureRequest, { msg, signature: bytes }));
  const signer = await signerOf(signature);
  assert.match(signer, /^0a001214[0-9a-f]{40}$/);
  assert.equal(signer, await signerOf(recorded.signature));
}

async function expectCall(kms: Player, call: RecordedCall): Promise<void> {
  // the reference kms panics at a transaction without variant; protocol.md 13.5 wants NoneRawTx
  if (call.label === "check empty raw") {
    const { method, request_hex } = call;
    return await kms.expect({ method, request_hex, response_hex: "0877" });
  }
  const isSignature = call.method.endsWith("/SignMessage") &&
    decode(SignMessageResponse, fromHex(call.response_hex ?? "")).status?.code === 0;
  if (isSignature) return await expectSameSigner(kms, call);
  await kms.expect(call);
}

Deno.test("bin/kms answers the 59 recorded calls as kms_sm did", async () => {
  const calls = await readJson<RecordedCall[]>("kms/kms_sm.json");
  assert.equal(calls.length, 59);
  await withKms("kms/kms_sm.db", async (kms) => {
    // the database has the keys that the first calls made; new ones are random
    let nextKeyId = 3n;
    for (const call of calls) {
      if (!call.method.endsWith("/GenerateKeyPair")) {
        await expectCall(kms, call);
        continue;
      }
      const made = decode(
        GenerateKeyPairResponse,
        fromHex(await hexOf(kms, "GenerateKeyPair", fromHex(call.request_hex))),
      );
      assert.equal(made.keyId, nextKeyId++);
      assert.equal(toHex(made.address).length, 40);
    }
  });
});

Deno.test("bin/kms answers every kms call of the recorded chain, in order", async () => {
  const calls = await readLines<RecordedCall>("kms/chain_single_kms.jsonl.gz");
  assert.equal(calls.length, 661);
  await withKms("kms/chain_single.db", async (kms) => {
    for (const call of calls) await expectCall(kms, call);
  });
});
