import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { SignMessageRequest, SignMessageResponse } from "../../proto/gen/kms.ts";
import { fromHex } from "../../shared/bytes/mod.ts";
import { decode } from "../../shared/codec/mod.ts";
import { type ServedKms, withServedKms } from "./testing/served_kms.ts";

const VECTORS = new URL("../../tests/vectors/kms/", import.meta.url);

/** One call of the reference kms_sm; without a response where it was cut off by a panic. */
interface RecordedCall {
  readonly label?: string;
  readonly method: string;
  readonly request_hex: string;
  readonly response_hex?: string;
}

/** Signatures are random: ours must have the recorded status and be by the same key. */
async function compareSignature(kms: ServedKms, call: RecordedCall): Promise<void> {
  const recorded = decode(SignMessageResponse, fromHex(call.response_hex ?? ""));
  const responseHex = await kms.callRaw(call.method, call.request_hex);
  const { status, signature } = decode(SignMessageResponse, fromHex(responseHex));
  if (recorded.status?.code !== 0) {
    assert.equal(responseHex, call.response_hex);
    return;
  }
  assert.deepEqual(status, recorded.status);
  assert.equal(responseHex.length, call.response_hex?.length);
  const { msg } = decode(SignMessageRequest, fromHex(call.request_hex));
  const [ours, theirs] = [
    await kms.client.recoverSignature({ msg, signature }),
    await kms.client.recoverSignature({ msg, signature: recorded.signature }),
  ];
  assert.equal(ours.status?.code, 0);
  assert.deepEqual(ours, theirs);
}

async function compare(kms: ServedKms, call: RecordedCall): Promise<void> {
  if (call.method.endsWith("/SignMessage")) return await compareSignature(kms, call);
  const responseHex = await kms.callRaw(call.method, call.request_hex);
  if (call.label === "check empty raw") {
    // the reference kms panics here; protocol.md 13.5 wants the code NoneRawTx
    assert.equal(responseHex, "0877");
    return;
  }
  assert.equal(responseHex, call.response_hex);
}

Deno.test("kms_sm answers the recorded calls with the recorded bytes", async () => {
  const text = await Deno.readTextFile(new URL("kms_sm.json", VECTORS));
  const calls: readonly RecordedCall[] = JSON.parse(text);
  assert.equal(calls.length, 59);
  const database = new URL("kms_sm.db", VECTORS);
  await withServedKms({ suite: "sm", database }, async (kms) => {
    for (const call of calls) {
      // keys are random; the accounts that these calls made are in the database already
      if (call.method.endsWith("/GenerateKeyPair")) continue;
      await compare(kms, call).catch((cause) => {
        throw new Error(`Call "${call.label}" differs`, { cause });
      });
    }
  });
});

Deno.test("kms_sm answers the calls of a recorded chain with the recorded bytes", async () => {
  const packed = await Deno.readFile(new URL("chain_single_kms.jsonl.gz", VECTORS));
  const lines = new TextDecoder().decode(gunzipSync(packed)).trimEnd().split("\n");
  assert.equal(lines.length, 661);
  const database = new URL("chain_single.db", VECTORS);
  await withServedKms({ suite: "sm", database }, async (kms) => {
    for (const line of lines) await compare(kms, JSON.parse(line));
  });
});
