import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import {
  CryptoServiceService,
  GetCryptoInfoResponse,
  SignMessageRequest,
} from "../../proto/gen/crypto.ts";
import { KmsServiceService } from "../../proto/gen/kms.ts";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { loadSuite, type SuiteName } from "../../shared/crypto/mod.ts";
import { openKmsDb } from "../../shared/kms_db/mod.ts";
import { connect, RpcCode, RpcFault } from "../../shared/rpc/mod.ts";
import { CryptoStatusCode } from "../../shared/status/mod.ts";
import { withRawCalls, withServedCrypto } from "./testing/served_crypto.ts";
import { withServedKms } from "./testing/served_kms.ts";

// spec/storage_kms.md, C2
const SECRET_KEY = fromHex("ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690");
const ADDRESS = {
  sm: "14a0d0eb5538d1c5cc69d0f54c18bafec75ba95c",
  eth: "9ab7994b45ccba88b4dc4ee07f5ef7fddc088888",
};
const KECCAK_OF_RIVTOWER = "706b3416b3719437a4d84d09368727d5e260cf2c408e1095e31ccec801a9c5a9";
const SIGNATURE_OF_RIVTOWER = "9e41021538d26c79ff37f38bcc2d3cb203c0e4e64add1b85a86abb17da54ad8a" +
  "38ecf1fb56478a9c770a69a41504421ce2d6ea299ac49fcbae8d43f9905ec5f600";

const service = "crypto.CryptoService";
const SUITES: readonly SuiteName[] = ["sm", "eth"];
const sm = await loadSuite("sm");

/** A field of bytes of fewer than 16,384. */
function field(number: number, hex: string): string {
  const size = hex.length / 2;
  const length = size < 128 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
  return toHex(Uint8Array.of((number << 3) | 2, ...length)) + hex;
}

const status = (code: number) =>
  field(1, code === 0 ? "" : toHex(Uint8Array.of(8, (code & 0x7f) | 0x80, code >> 7)));

Deno.test("CryptoService answers every call with the bytes of the specification (eth)", async () => {
  await withServedCrypto({ suite: "eth", secretKey: SECRET_KEY }, async (port) => {
    await withRawCalls({ port, service }, async (call) => {
      assert.equal(await call("GetCryptoInfo", ""), "0a001203657468182020412814");
      const rivtower = toHex(new TextEncoder().encode("rivtower"));
      assert.equal(
        await call("HashData", field(1, rivtower)),
        "0a00" + field(2, field(1, KECCAK_OF_RIVTOWER)),
      );
      const data = field(1, rivtower);
      assert.equal(await call("VerifyDataHash", data + field(2, KECCAK_OF_RIVTOWER)), "");
      assert.equal(await call("VerifyDataHash", data + field(2, "00".repeat(32))), "088701");
      assert.equal(await call("VerifyDataHash", data + field(2, "00".repeat(31))), "088801");
      // the message is field 2; what an older client says in field 1 is ignored
      const signed = "0a00" + field(2, SIGNATURE_OF_RIVTOWER);
      assert.equal(await call("SignMessage", field(2, KECCAK_OF_RIVTOWER)), signed);
      assert.equal(await call("SignMessage", "0809" + field(2, KECCAK_OF_RIVTOWER)), signed);
      const recover = field(1, KECCAK_OF_RIVTOWER);
      assert.equal(
        await call("RecoverSignature", recover + field(2, SIGNATURE_OF_RIVTOWER)),
        "0a00" + field(2, ADDRESS.eth),
      );
      assert.equal(await call("CheckTransactions", ""), "");
      assert.equal(await call("CheckTransactions", "0a00"), "0877");
    });
  });
});

Deno.test("CryptoService of sm has SM2's sizes and signs with the key of the file", async () => {
  await withServedCrypto({ suite: "sm", secretKey: SECRET_KEY }, async (port) => {
    await withRawCalls({ port, service }, async (call) => {
      assert.equal(await call("GetCryptoInfo", ""), "0a001202736d18202080012814");
    });
    const client = connect(CryptoServiceService, { port });
    const msg = new Uint8Array(100).fill(0x11); // any length
    const { signature } = await client.signMessage({ msg });
    assert.equal(signature.length, 128);
    const { status, address } = await client.recoverSignature({ msg, signature });
    assert.deepEqual([status?.code, toHex(address)], [0, ADDRESS.sm]);
    client.close();
  });
});

for (const [suite, size] of [["sm", 128], ["eth", 65]] as const) {
  Deno.test(`CryptoService of ${suite} fills what it cannot answer with zeros`, async () => {
    await withServedCrypto({ suite, secretKey: SECRET_KEY }, async (port) => {
      await withRawCalls({ port, service }, async (call) => {
        const noAddress = field(2, "00".repeat(20));
        const msg = field(1, "11".repeat(32));
        for (const bad of ["", "00", "00".repeat(size - 1), "00".repeat(size + 1)]) {
          assert.equal(
            await call("RecoverSignature", msg + field(2, bad)),
            status(137) + noAddress,
          );
        }
        for (const bad of ["00", "ff"]) {
          const request = msg + field(2, bad.repeat(size));
          assert.equal(await call("RecoverSignature", request), status(138) + noAddress);
        }
        if (suite === "sm") return; // it signs messages of any length
        const noSignature = field(2, "00".repeat(size));
        for (const bad of ["", "11".repeat(31), "11".repeat(33)]) {
          const answer = await call("SignMessage", field(2, bad));
          assert.equal(answer, status(CryptoStatusCode.SignError) + noSignature);
        }
      });
    });
  });
}

Deno.test("CryptoService goes on after any request bytes", async () => {
  const tag = fc.constantFrom("0a", "12", "08", "0aff01", "0a02", "1a00", "");
  const requests = fc.tuple(
    fc.constantFrom(...Object.values(CryptoServiceService).map(({ path }) => path)),
    fc.tuple(tag, fc.uint8Array({ maxLength: 40 })).map(([tag, rest]) => tag + toHex(rest)),
  );
  await withServedCrypto({ suite: "sm", secretKey: SECRET_KEY }, async (port) => {
    await withRawCalls({ port, service }, async (call) => {
      await fc.assert(
        fc.asyncProperty(requests, async ([path, request]) => {
          const method = path.slice(path.lastIndexOf("/") + 1);
          await call(method, request).catch((error) => {
            // bytes that are no message
            assert(error instanceof RpcFault && error.code === RpcCode.Internal, String(error));
          });
        }),
        { numRuns: 150 },
      );
      assert.equal(await call("GetCryptoInfo", ""), "0a001202736d18202080012814");
    });
  });
});

Deno.test("a crypto service has no kms.KmsService: nodes of 6.7 do not know it", async () => {
  await withServedCrypto({ suite: "eth", secretKey: SECRET_KEY }, async (port) => {
    const client = connect(KmsServiceService, { port });
    await assert.rejects(
      client.getCryptoInfo({}),
      (error) => error instanceof RpcFault && error.code === RpcCode.Unimplemented,
    );
    client.close();
  });
});

for (const suite of SUITES) {
  Deno.test(`kms_${suite} serves CryptoService with its only account, or else with 1`, async () => {
    await withServedKms({ suite }, async ({ port, path, client }) => {
      const crypto = connect(CryptoServiceService, { port });
      const msg = new Uint8Array(32).fill(7);
      const sign = async () => {
        const { status, signature } = await crypto.signMessage({ msg });
        if (status?.code !== 0) return { code: status?.code, signature: toHex(signature) };
        return toHex((await client.recoverSignature({ msg, signature })).address);
      };
      const none = {
        code: CryptoStatusCode.ConstructKeyPairError,
        signature: "00".repeat(suite === "sm" ? 128 : 65),
      };
      assert.deepEqual(await sign(), none);
      const [first, second] = [
        await client.generateKeyPair({ Description: "" }),
        await client.generateKeyPair({ Description: "" }),
      ];
      assert.equal(await sign(), toHex(first.address));
      const raw = new DatabaseSync(path);
      raw.exec("delete from account where id = 1");
      assert.equal(await sign(), toHex(second.address));
      raw.exec("update account set privkey = zeroblob(5)");
      assert.deepEqual(await sign(), none);
      raw.close();
      assert.deepEqual(await crypto.getCryptoInfo({}), await client.getCryptoInfo({}));
      crypto.close();
    });
  });
}

Deno.test("crypto_key_id chooses the account that CryptoService of a kms signs with", async () => {
  const path = await Deno.makeTempFile();
  const db = await openKmsDb({ path, password: "123456", suite: sm });
  const [, wanted] = [1, 2].map(() => db.insertAccount(sm.generateSecretKey(), ""));
  db.close();
  const database = new URL(`file://${path}`);
  await withServedKms(
    { suite: "sm", database, config: { crypto_key_id: 2n } },
    async ({ port }) => {
      const crypto = connect(CryptoServiceService, { port });
      const msg = new Uint8Array(32);
      const { signature } = await crypto.signMessage({ msg });
      const { address } = await crypto.recoverSignature({ msg, signature });
      assert.deepEqual(address, wanted?.address);
      crypto.close();
    },
  );
  await Deno.remove(path);
});

Deno.test("the messages of crypto.proto have the fields of the specification", () => {
  const info = { status: { code: 0 }, name: "sm", hashLen: 1, signatureLen: 2, addressLen: 3 };
  assert.equal(toHex(GetCryptoInfoResponse.encode(info).finish()), "0a001202736d180120022803");
  const msg = fromHex("abcd");
  assert.equal(toHex(SignMessageRequest.encode({ msg }).finish()), "1202abcd");
});
