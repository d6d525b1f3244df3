/**
 * Values that contracts send to each other, once an amendment gave them a balance: on our chain and
 * on an EVM of others, see `TwinChain`.
 */

import assert from "node:assert/strict";
import type { Receipt } from "../../../proto/gen/evm.ts";
import { EMPTY_BYTES, toHex } from "../../../shared/bytes/mod.ts";
import { deploy, push, pushAll } from "../testing/code.ts";
import { TwinChain } from "../testing/twin_chain.ts";

const NOBODY = 0x7777;
const LOG_TOP = "60006000a1";
/** Logs GAS, CALLVALUE and SELFBALANCE. */
const SHOW = ["5a", "34", "47"].map((code) => code + LOG_TOP).join("");

const address = (hex: string) => BigInt(`0x${hex}`);

/** A call with a value and no gas but what comes with the value; logs whether it succeeded. */
function send(op: string, to: number | bigint, value: number | bigint): string {
  return pushAll(0, 0, 0, 0) + push(Number(value)) + push(to) + `6000${op}${LOG_TOP}`;
}

function topic(receipt: Receipt | undefined, log: number): bigint {
  return BigInt(`0x${toHex(receipt?.logs[log]?.topics[0] ?? EMPTY_BYTES)}`);
}

/** A twin chain with a contract that has a balance of 1,000, and one that logs the gas it gets. */
async function richContract(
  code: (shower: bigint) => string,
): Promise<{ twin: TwinChain; to: string }> {
  const twin = await TwinChain.create();
  const shower = await twin.create(deploy(`5a${LOG_TOP}`));
  const to = await twin.create(deploy(code(address(shower))));
  await twin.setBalance(to, 1000n);
  return { twin, to };
}

Deno.test("a value moves by CALL and stays by CALLCODE, with 2,300 of gas for the callee", async () => {
  for (const op of ["f1", "f2"]) {
    const { twin, to } = await richContract((shower) =>
      [send(op, shower, 1), send(op, shower, 999), send(op, shower, 1), SHOW].join("")
    );
    const [receipt] = await twin.grow({ to }, { to }, { to, quota: 60_000n });
    assert.equal(topic(receipt, 0), 2298n, "GAS of the callee");
    assert.equal(topic(receipt, 1), 1n, "success");
  }
});

Deno.test("a value makes the account of nobody, also a precompiled one, for 25,000 of gas", async () => {
  const { twin, to } = await richContract(() =>
    [send("f1", NOBODY, 5), send("f1", NOBODY, 5), send("f1", 4, 5), SHOW].join("")
  );
  await twin.grow({ to }, { to, quota: 70_000n }, { to });
});

Deno.test("a value goes back when the call that it came with reverts or fails", async () => {
  for (const end of ["60006000fd", "fe"]) {
    const { twin, to } = await richContract(() => SHOW);
    const back = await twin.create(deploy(SHOW + end));
    const payer = await twin.create(
      deploy(`${pushAll(0, 0, 0, 0, 7, address(back))}5af1${LOG_TOP}${SHOW}`),
    );
    await twin.setBalance(payer, 100n);
    await twin.grow({ to: payer }, { to });
  }
});

Deno.test("a creation takes its value along, and gives it back when it fails", async () => {
  for (const init of ["00", "60006000fd", "fe"]) {
    const size = init.length / 2;
    const create = `${push(address(init))}600052${pushAll(size, 32 - size, 9)}f0${LOG_TOP}`;
    const { twin, to } = await richContract(() => create + create + SHOW);
    await twin.grow({ to }, { to });
  }
});

Deno.test("what a contract has goes to its heir, who may be new, or is burnt when that is itself", async () => {
  for (const heir of ["30", push(NOBODY), "33"]) {
    const { twin, to } = await richContract(() => `${heir}ff`);
    await twin.grow({ to }, { to });
  }
});

Deno.test("a read-only call moves no value", async () => {
  const { twin, to } = await richContract((shower) => send("f1", shower, 1));
  const reader = await twin.create(
    deploy(`${pushAll(0, 0, 0, 0, address(to))}5afa${LOG_TOP}${SHOW}`),
  );
  await twin.grow({ to: reader, quota: 500_000n });
});
