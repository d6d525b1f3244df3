import assert from "node:assert/strict";
import { hashUtxoTransaction } from "../../../shared/block/mod.ts";
import { fromHex, toHex, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { ADMIN, CHAIN_ID, settings, utxoTx } from "../testing/builders.ts";
import {
  applyUtxoTransactions,
  initialItem,
  initialSystemConfig,
  LOCK_IDS,
  LockId,
  NO_PRE_HASH,
  preHashOf,
  type SystemConfig,
  withChange,
  withItem,
} from "./mod.ts";

const INITIAL = settings(1).systemConfig;
const CONFIG = initialSystemConfig(INITIAL);
const TX_HASH = new Uint8Array(32).fill(9);

function changed(id: LockId, output: string): SystemConfig | null {
  return withChange(CONFIG, { id, output: fromHex(output), txHash: TX_HASH });
}

Deno.test("initialItem() gives the stored bytes of a new chain", () => {
  assert.deepEqual(LOCK_IDS.map((id) => toHex(initialItem(INITIAL, id))), [
    "00000000",
    toHex(CHAIN_ID),
    toHex(ADMIN),
    "00000003",
    "01".repeat(20) + "02".repeat(20) + "03".repeat(20) + "04".repeat(20),
    "",
    "0000000000000064",
  ]);
});

Deno.test("withItem() reads back what initialItem() gives", () => {
  for (const id of LOCK_IDS) {
    assert.deepEqual(withItem(CONFIG, id, initialItem(INITIAL, id)), CONFIG);
  }
});

Deno.test("withChange() changes one item and remembers the transaction", () => {
  const config = changed(LockId.BlockInterval, "00000006");
  assert.equal(config?.blockIntervalSeconds, 6);
  assert.deepEqual(config && preHashOf(config, LockId.BlockInterval), TX_HASH);
  assert.deepEqual(config && preHashOf(config, LockId.Admin), NO_PRE_HASH);
  assert.equal(changed(LockId.Version, "00000001")?.version, 1);
  assert.deepEqual(changed(LockId.Admin, "07".repeat(20))?.admin, new Uint8Array(20).fill(7));
  assert.deepEqual(changed(LockId.Validators, "")?.validators, []);
  assert.equal(changed(LockId.EmergencyBrake, "00")?.emergencyBrake, true);
  assert.equal(changed(LockId.EmergencyBrake, "")?.emergencyBrake, false);
  assert.equal(changed(LockId.BlockLimit, "0000000000000007")?.blockLimit, 7n);
});

Deno.test("withChange() cuts longer numbers and refuses malformed outputs", () => {
  assert.equal(changed(LockId.BlockInterval, "00000006ff")?.blockIntervalSeconds, 6);
  const refused: [LockId, string][] = [
    [LockId.Version, "000001"],
    [LockId.BlockInterval, ""],
    [LockId.BlockLimit, "00000000000007"],
    [LockId.Admin, "07".repeat(19)],
    [LockId.Validators, "07".repeat(21)],
    // the next start would take the hash of this transaction for the chain id
    [LockId.ChainId, "07".repeat(32)],
  ];
  for (const [id, output] of refused) assert.equal(changed(id, output), null, `${id}`);
});

Deno.test("applyUtxoTransactions() lets one change per item take effect", async () => {
  const hash = await loadSm3();
  const values = [
    utxoTx(hash, { lockId: LockId.BlockInterval, output: u32be(6) }),
    utxoTx(hash, { lockId: LockId.BlockInterval, output: u32be(7) }),
    utxoTx(hash, { lockId: LockId.BlockLimit, output: u64be(50n) }),
    utxoTx(hash, { lockId: LockId.Admin, output: new Uint8Array(3) }),
    utxoTx(hash, { lockId: 1007n }),
    utxoTx(hash, { lockId: LockId.EmergencyBrake, preTxHash: new Uint8Array(32) }),
  ].map(({ tx }) => tx).filter((tx) => tx?.$case === "utxoTx").map(({ value }) => value);
  const { config, applied } = applyUtxoTransactions(CONFIG, values);
  assert.equal(config.blockIntervalSeconds, 6);
  assert.equal(config.blockLimit, 50n);
  assert.equal(config.emergencyBrake, false);
  assert.deepEqual(config.admin, ADMIN);
  assert.deepEqual(applied.map(({ id }) => id), [LockId.BlockInterval, LockId.BlockLimit]);
});

Deno.test("applyUtxoTransactions() follows a chain of changes within a block", async () => {
  const hash = await loadSm3();
  const first = utxoTx(hash, { lockId: LockId.EmergencyBrake, output: fromHex("00") });
  const preTxHash = first.tx?.value.transactionHash ?? new Uint8Array();
  const second = utxoTx(hash, { lockId: LockId.EmergencyBrake, preTxHash });
  const values = [first, second].map(({ tx }) => tx).filter((tx) => tx?.$case === "utxoTx");
  const { config, applied } = applyUtxoTransactions(CONFIG, values.map(({ value }) => value));
  assert.equal(applied.length, 2);
  assert.equal(config.emergencyBrake, false);
});

Deno.test("utxo transactions hash as vectors V5 and V6 of the protocol", async () => {
  const hash = await loadSm3();
  const hashOf = (lockId: bigint, output: string) =>
    toHex(hashUtxoTransaction(hash, {
      version: 0,
      preTxHash: NO_PRE_HASH,
      output: fromHex(output),
      lockId,
    }));
  assert.equal(
    hashOf(1003n, "00000006"),
    "2841262b17abd77ae610a0fba0f5647b309ac035bde907fae002c23f91201872",
  );
  assert.equal(
    hashOf(1005n, "00"),
    "5b5aaa42b4312fb204a156d279e0f98805e62a98cdf9293c4d5f361fcefc3d88",
  );
});
