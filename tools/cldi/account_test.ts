import assert from "node:assert/strict";
import { fromHex, to0xHex } from "../../shared/bytes/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { accountOf, type CryptoType, lock, readAccount, unlock, writeAccount } from "./account.ts";
import { suiteNameOf } from "./data_folder.ts";

const suites = (cryptoType: CryptoType) => loadSuite(suiteNameOf(cryptoType));
const SECRET_KEY = fromHex("1427b86a4856cf8dbe5e4eb4ab8ab7f1cdf3c7d85e8bb29f07d47e30b43fe72e");
const PASSWORD = "123456";

/** Spec/cldi.md, section 2.2. */
const VECTORS = [
  {
    cryptoType: "SM",
    address: "0x0c2570f4fcee80a83ef5f61284674857a8fcbf55",
    publicKey:
      "0x3cf5a660e6002009b700264b873b94a62cbe089bc130bf562618171475276f27a7e7b6d257a8d0faaf37ebfed78642fda9e7efd14f33c202a360b26797e63134",
    encrypted: "0x5592c8bbf5e79e7627f7c7d5c77360b5cc39e33c1c8bbf55950ed8d2baa474b8",
  },
  {
    cryptoType: "ETH",
    address: "0x4f7b8682c67087688af87667688c7ccd58bf0026",
    publicKey:
      "0x43c55604ad2ae30432f1ea8565a76ca7d5f8c82527d821fef194eb609b5629691ef9b09c86295d3ec039e6cdd33576dad352b177d6987a76fb204c7d3c8bb18b",
    encrypted: "0x463b624c16cb3f1ecbe0a0543b381280a395299465bb177f20fd046657f7f81d",
  },
] as const;

for (const { cryptoType, address, publicKey, encrypted } of VECTORS) {
  Deno.test(`lock() and unlock() give the recorded ${cryptoType} account`, async () => {
    const suite = await suites(cryptoType);
    const account = accountOf(cryptoType, suite, SECRET_KEY);
    assert.equal(to0xHex(account.address), address);
    assert.equal(to0xHex(account.publicKey), publicKey);
    const locked = lock(account, suite, PASSWORD);
    assert.equal(
      writeAccount(locked),
      `crypto_type = '${cryptoType}'\naddress = '${address}'\n` +
        `public_key = '${publicKey}'\nencrypted_sk = '${encrypted}'\n`,
    );
    assert.deepEqual(unlock(locked, suite, PASSWORD), account);
    assert.throws(() => unlock(locked, suite, "654321"), /computed from the unlocked account/);
    assert.deepEqual(lock(locked, suite, "other"), locked);
  });

  Deno.test(`readAccount() reads what writeAccount() wrote, ${cryptoType}`, async () => {
    const suite = await suites(cryptoType);
    const account = accountOf(cryptoType, suite, SECRET_KEY);
    for (const stored of [account, lock(account, suite, PASSWORD)]) {
      assert.deepEqual(await readAccount(writeAccount(stored), suites), stored);
    }
  });
}

Deno.test("readAccount() refuses a file whose parts do not belong together", async () => {
  const suite = await suites("SM");
  const text = writeAccount(accountOf("SM", suite, SECRET_KEY));
  const broken = [
    "",
    "= 1",
    text.replace("'SM'", "'sm'"),
    text.replace("0x0c25", "0x0c26"),
    text.replace("secret_key = '0x14", "secret_key = '0x15"),
    text.replace(/public_key = .*\n/, ""),
    text.replace(/secret_key = .*\n/, ""),
    text.replace(/secret_key = .*/, "encrypted_sk = '0x00'"),
  ];
  for (const source of broken) {
    await assert.rejects(readAccount(source, suites), /did not match any variant/, source);
  }
});
