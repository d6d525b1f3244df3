import assert from "node:assert/strict";
import { EMPTY_BYTES, toHex } from "../../../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../../../shared/clock/mod.ts";
import { push, pushAll, RETURN_WORD } from "../../testing/code.ts";
import { PAUSING_ALWAYS, pausingAtRandom } from "../../testing/pausing.ts";
import {
  CALLER,
  type Codes,
  errorOf,
  gasOf,
  OTHER,
  runCode,
  type RunOptions,
  SELF,
  stateWith,
  wordOf,
} from "../../testing/run_code.ts";
import { addressKey } from "../state/world_state.ts";
import { VmError } from "./errors.ts";
import { isDefined } from "./opcodes.ts";
import { toWord, type Word, wordOfBytes } from "../word.ts";

Deno.test("Machine gives the refunds of cleared slots and of a contract that destructs itself", () => {
  const clear = pushAll(1, 0) + "55" + pushAll(0, 0) + "55";
  assert.equal(runCode(clear).execution.refund, 15_000);
  assert.equal(runCode(clear + clear).execution.refund, 30_000);
  assert.equal(runCode("6000ff").execution.refund, 24_000);
  // calls a contract twice that destructs itself each time
  const callOther = pushAll(0, 0, 0, 0, 0, OTHER, 90_000) + "f1";
  const twice = runCode(callOther + callOther, { codes: { [OTHER]: "6000ff" } });
  assert.equal(twice.execution.refund, 24_000);
  assert.deepEqual(twice.execution.destructed, [addressKey(OTHER)]);
  const reverted = runCode(callOther, { codes: { [OTHER]: clear + "60006000fd" } });
  assert.equal(reverted.execution.refund, 0);
});

Deno.test("Machine fails by itself at init code of 2^64 bytes or more, before it asks for gas", () => {
  for (const op of ["f0", "f5"]) {
    const create = (size: Word) => pushAll(0, size, 0, 0) + op;
    assert.equal(errorOf(create(2n ** 64n), { gas: 100 }), VmError.Internal);
    assert.equal(errorOf(create(2n ** 256n - 1n)), VmError.Internal);
    assert.equal(errorOf(create(2n ** 64n - 1n)), VmError.OutOfQuota);
    assert.equal(gasOf(create(0), { gas: 100_000 }), 32_012);
    assert.equal(errorOf(create(0), { gas: 32_011 }), VmError.OutOfQuota);
  }
});

Deno.test("Machine passes a read-only frame on to calls made in it", () => {
  const third = 0x3333;
  const codes = {
    [OTHER]: pushAll(0, 0, 0, 0, 0, third, 50_000) + "f1" + RETURN_WORD,
    [third]: "6001600055",
  };
  const code = pushAll(32, 0, 0, 0, OTHER, 90_000) + "fa600051";
  assert.equal(wordOf(code, { codes, gas: 10_000_000 }), 0);
});

Deno.test("Machine runs as many nested calls as the depth allows", () => {
  // calls itself with all gas, and returns one more than the inner call returned
  const nested = pushAll(32, 0, 0, 0, 0, SELF) + "5af1506000516001016000526020" + "6000f3";
  assert.equal(
    wordOfBytes((runCode(nested, { gas: 2 ** 50 }).outcome as { output: Uint8Array }).output),
    1025,
  );
});

Deno.test("Machine forwards at most all but one 64th, and the low 64 bits of what is asked for", () => {
  const codes = { [OTHER]: "5a" + RETURN_WORD };
  const callWith = (gas: Word) => pushAll(32, 0, 0, 0, 0, OTHER, gas) + "f150600051";
  const available = 100_000 - 21 - 40 - 3;
  assert.equal(wordOf(callWith(500), { codes }), 498);
  assert.equal(
    wordOf(callWith(2n ** 64n - 1n), { codes, gas: 100_000 }),
    available - Math.floor(available / 64) - 2,
  );
  // 2^64 asks for nothing: the inner GAS runs out of gas
  assert.equal(wordOf(callWith(2n ** 64n), { codes }), 0);
});

Deno.test("Machine counts gas beyond 2^53 exactly", () => {
  assert.equal(wordOf("5a", { gas: 2n ** 64n - 1n }), 2n ** 64n - 3n);
  assert.equal(wordOf("5b5b5a", { gas: 2n ** 53n + 5n }), 2n ** 53n + 1n);
  assert.equal(wordOf("5b5b5a", { gas: 2n ** 53n + 3n }), 2 ** 53 - 1);
  const codes = { [OTHER]: "5a" + RETURN_WORD };
  const call = pushAll(32, 0, 0, 0, 0, OTHER, 2n ** 64n - 1n) + "f150600051";
  const available = 2n ** 64n - 1n - 21n - 40n - 3n;
  assert.equal(wordOf(call, { codes, gas: 2n ** 64n - 1n }), available - available / 64n - 2n);
});

Deno.test("Machine copies the output of a call up to its size and leaves the rest", () => {
  const codes = { [OTHER]: "61abcd600052600260" + "1ef3" };
  const call = (outputSize: number) =>
    `${push(2n ** 256n - 1n)}600052${pushAll(outputSize, 0, 0, 0, 0, OTHER, 5000)}f150600051`;
  const ones = "ff".repeat(32);
  const expected = (prefix: string) => toWord(BigInt(`0x${prefix}${ones.slice(prefix.length)}`));
  assert.equal(wordOf(call(0), { codes }), expected(""));
  assert.equal(wordOf(call(1), { codes }), expected("ab"));
  assert.equal(wordOf(call(32), { codes }), expected("abcd"));
  assert.equal(wordOf(pushAll(0, 0, 0, 0, 0, OTHER, 5000) + "f1503d", { codes }), 2);
  const reverting = { [OTHER]: "61abcd600052600260" + "1efd" };
  assert.equal(wordOf(call(32), { codes: reverting }), expected("abcd"));
  const failing = { [OTHER]: "fe" };
  assert.equal(wordOf(call(32), { codes: failing }), expected(""));
  assert.equal(wordOf(pushAll(0, 0, 0, 0, 0, OTHER, 5000) + "f1503d", { codes: failing }), 0);
});

Deno.test("Machine shows code, caller and value as each kind of call has them", () => {
  // returns CALLER * 2^32 + CALLVALUE * 2^24 + ADDRESS
  const codes = { [OTHER]: "3360201b3460181b013001" + RETURN_WORD };
  const shown = (caller: number | bigint, value: number, address: number) =>
    toWord((BigInt(caller) << 32n) + (BigInt(value) << 24n) + BigInt(address));
  const readBack = "50600051";
  const call = (op: string, ...words: Word[]) =>
    wordOf(pushAll(32, 0, 0, 0, ...words, OTHER, 5000) + op + readBack, { codes, value: 9 });
  assert.equal(call("f1", 0), shown(SELF, 0, OTHER));
  assert.equal(call("f2", 0), shown(SELF, 0, SELF));
  assert.equal(call("f4"), shown(CALLER, 9, SELF));
  assert.equal(call("fa"), shown(SELF, 0, OTHER));
});

Deno.test("Machine keeps the nonce of a contract whose creation failed, and nothing else", () => {
  // init code: SSTORE(0, 1), then an invalid instruction
  const failing = `${push(0x6001600055fe)}600052${pushAll(6, 26, 0)}f0`;
  const { outcome, execution } = runCode(failing + "00");
  assert.equal(outcome.kind, "success");
  assert.equal(execution.state.nonce(addressKey(SELF)), 1);
  assert.equal(wordOf(failing), 0);
});

Deno.test("Machine keeps refunds of init code whose deposit fails, as the reference does", () => {
  // init code: SSTORE(0, 1), SSTORE(0, 0), RETURN of 200 bytes, which cost 40,000 more
  const init = pushAll(1, 0) + "55" + pushAll(0, 0) + "55" + pushAll(200, 0) + "f3";
  const size = init.length / 2;
  const code = `${(0x5f + size).toString(16)}${init}600052${pushAll(size, 32 - size, 0)}f0`;
  const enough = runCode(code + "00", { gas: 200_000 });
  assert.equal(enough.execution.refund, 15_000);
  const short = runCode(code + RETURN_WORD, { gas: 75_000 });
  assert(short.outcome.kind === "success");
  assert.equal(wordOfBytes(short.outcome.output), 0);
  assert.equal(short.execution.refund, 15_000);
});

Deno.test("Machine logs in the order of execution and drops the logs of frames that fail", () => {
  const log = (topic: number) => pushAll(topic, 0, 0) + "a1";
  const callOther = pushAll(0, 0, 0, 0, 0, OTHER, 90_000) + "f1";
  const code = log(1) + callOther + log(3);
  const topics = (codes: Codes) =>
    runCode(code, { codes }).execution.logs.map(({ topics: [topic] }) =>
      wordOfBytes(topic ?? EMPTY_BYTES)
    );
  assert.deepEqual(topics({ [OTHER]: log(2) }), [1, 2, 3]);
  assert.deepEqual(topics({ [OTHER]: log(2) + "60006000fd" }), [1, 3]);
  assert.deepEqual(topics({ [OTHER]: log(2) + "fe" }), [1, 3]);
});

const DEFINED = Array.from({ length: 256 }, (_, op) => op).filter(isDefined);

/** Code of up to 120 bytes, more than a third of them pushes. */
function randomCode(random: Random): Uint8Array {
  return Uint8Array.from({ length: 1 + Math.floor(random() * 120) }, () => {
    const pick = random();
    if (pick < 0.35) return 0x60 + Math.floor(random() * 3);
    if (pick < 0.9) return DEFINED[Math.floor(random() * DEFINED.length)] ?? 0;
    return Math.floor(random() * 256);
  });
}

Deno.test("Machine ends every random program within its gas, and undoes those that fail", () => {
  const random = seededRandom(20240607);
  const kinds = new Map<string, number>();
  for (let round = 0; round < 3000; round++) {
    const bytes = randomCode(random);
    const gas = Math.floor(random() * 200_000);
    const options = { codes: { [OTHER]: toHex(bytes.toReversed()) }, gas };
    const { outcome, execution } = runCode(toHex(bytes), options);
    kinds.set(outcome.kind, (kinds.get(outcome.kind) ?? 0) + 1);
    if (outcome.kind === "success") {
      assert(outcome.gasLeft <= gas);
      continue;
    }
    assert.deepEqual(execution.logs, []);
    assert.equal(execution.refund, 0);
    const { root } = execution.state.commit();
    const untouched = stateWith({ [SELF]: toHex(bytes), ...options.codes }).commit().root;
    assert.deepEqual(root, untouched);
  }
  assert.equal(kinds.size, 3, "random programs succeed, revert and fail");
});

/** All that a program may have an effect on. */
function effectsOf(code: string, options: RunOptions) {
  const { outcome, execution } = runCode(code, options);
  const { logs, refund, destructed } = execution;
  return { outcome, logs, refund, destructed, root: toHex(execution.state.commit().root) };
}

Deno.test("Machine gives the same outcome, gas and logs wherever it pauses", () => {
  const random = seededRandom(20240608);
  const callOther = pushAll(0, 0, 0, 0, 0, OTHER) + "5af1";
  const createWith = (code: Uint8Array) =>
    `${push(wordOfBytes(code.subarray(0, 20)))}600052${pushAll(20, 12, 0)}f0`;
  for (let round = 0; round < 1500; round++) {
    const code = callOther + toHex(randomCode(random)) + createWith(randomCode(random));
    const codes = { [OTHER]: toHex(randomCode(random)) };
    const options = { codes, gas: Math.floor(random() * 300_000) };
    const expected = effectsOf(code, options);
    for (const pace of [PAUSING_ALWAYS, pausingAtRandom(random)]) {
      assert.deepEqual(effectsOf(code, { ...options, pace }), expected, code);
    }
  }
});

Deno.test("Machine pauses in a loop of cheap calls, which themselves end before the next question", () => {
  let questions = 0;
  const pace = { gasSlice: 1_000_000, mustPause: () => ++questions > 0 };
  // SHA-256 of a megabyte in every round of a loop
  const hash = pushAll(0, 0, 2 ** 20, 0, 0, 2) + "5af150";
  const { outcome } = runCode(`5b${hash}600056`, { gas: 10_000_000, pace });
  assert.equal(outcome.kind, "failure");
  assert(questions > 10, `${questions} questions`);
});

/** Bytes that code holds at its pauses, one before each instruction; its frames are there already. */
function heldBy(code: string, codes: Codes = {}) {
  runCode(code, { codes, gas: 20_000_000 });
  const { held } = runCode(code, { codes, gas: 20_000_000, pace: PAUSING_ALWAYS });
  return { first: held[0] ?? 0, most: Math.max(...held), last: held[held.length - 1] ?? 0 };
}

const CALL_OTHER = `${pushAll(0, 0, 0, 0, 0, OTHER, 9_000_000)}f150`;

Deno.test("Machine tells the memory of logs and changes until they are taken back", () => {
  const wide = push(2n ** 256n - 1n);
  const log = `${wide.repeat(4)}6110006000a4`;
  const change = `${wide}${wide}55`;
  const holding: readonly (readonly [code: string, bytes: number])[] = [
    [log, 4096 + 5 * 230],
    [change, 230],
  ];
  for (const [code, bytes] of holding) {
    const once = heldBy(CALL_OTHER, { [OTHER]: code });
    assert(once.last - once.first >= bytes, `${once.last - once.first} of ${code}`);
    for (const end of ["60006000fd", "6000fe"]) {
      const undone = heldBy(CALL_OTHER, { [OTHER]: code + end });
      assert(undone.most - undone.first >= bytes, `${undone.most - undone.first} of ${code}`);
      assert(undone.last - undone.first < bytes, `${undone.last - undone.first} of ${code}${end}`);
    }
  }
});

Deno.test("Machine tells the memory of init code with its constants while it runs", () => {
  const size = 5_000;
  const { most, last } = heldBy(`605b600053${pushAll(size, 0, 0)}f050`);
  assert(most - last >= 9 * size, String(most - last));
});

Deno.test("Machine tells the memory of what a call returned, but none of what it ran on", () => {
  const size = 100_000;
  const returning = { [OTHER]: `${pushAll(size, 0)}f3` };
  const { first, last } = heldBy(CALL_OTHER, returning);
  assert(last - first >= size, String(last - first));
  assert(last - first < 2 * size, String(last - first));
});

Deno.test("Machine tells the memory of frames that ended and may run again", () => {
  const nested = `${pushAll(0, 0, 0, 0, 0, SELF)}5af150`;
  const { last } = heldBy(nested);
  assert(last >= 100 * 8 * 1024, String(last));
});
