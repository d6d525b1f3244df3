/** Code that is made to crash, to hold up or to exhaust: it gets a receipt, in the time of its quota. */

import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy, push, pushAll } from "../testing/code.ts";
import { FIRST_CONTRACTS } from "../testing/random_program.ts";
import { contracts08 } from "../testing/solidity.ts";
import { TestChain, type TestTransaction, usedQuota } from "../testing/test_chain.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

/** A third of what the slowest instructions reach; most reach fifty times as much. */
const GAS_PER_SECOND_MIN = 2_000_000;
/** Each case may have this besides, to be compiled and to collect garbage. */
const GRACE_SECONDS = 1;

const QUOTA = 10_000_000n;
const DEPLOY_QUOTA = 1_000_000_000n;

function newChain(): TestChain {
  const test = new TestChain(parts, sm3);
  test.grow();
  return test;
}

/** Seconds of processor time, which other work on the machine does not change. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Executes a block and checks what holds for every transaction. */
function growBounded(test: TestChain, transactions: readonly TestTransaction[]): string[] {
  const { receipts } = test.grow(...transactions);
  for (const [index, receipt] of receipts.entries()) {
    assert(usedQuota(receipt) <= (transactions[index]?.quota ?? 0n));
    if (receipt.errorMessage !== "") assert.deepEqual(receipt.logs, []);
  }
  return receipts.map(({ errorMessage }) => errorMessage);
}

/** Creates a contract of that code; gives its address. */
function contractOf(test: TestChain, code: string): string {
  const [receipt] = test.grow({ data: deploy(code), quota: DEPLOY_QUOTA }).receipts;
  assert.equal(receipt?.errorMessage, "");
  return toHex(receipt.contractAddress);
}

/** Code that runs a body without end; what comes before runs once. */
function loop(body: string, before = ""): string {
  const start = (before.length / 2).toString(16).padStart(4, "0");
  const times = Math.max(1, Math.floor(800 / body.length));
  return `${before}5b${body.repeat(times)}61${start}56`;
}

/** As {@linkcode loop}, but ends well before the quota does, so that all effects are kept. */
function loopThenStop(body: string, before = ""): string {
  return `${loop(body, before).slice(0, -8)}620186a05a11${loop(body, before).slice(-8, -2)}5700`;
}

/** Calls itself with all gas. */
function recurse(op: string): string {
  return `${pushAll(0, 0, 0, 0)}${op < "f3" ? "6000" : ""}305a${op}50`;
}

/** Calls a precompiled contract with zeros. */
function native(address: number, size: number): string {
  return `${pushAll(0, 0, size, 0, address)}5afa50`;
}

/** Creates by init code that creates itself twice; by CREATE2 with another salt each time. */
function spawn(op: string): string {
  const create = `${op === "f5" ? "5a" : ""}3860006000${op}50`;
  const init = `386000600039${create}${create}`;
  const size = init.length / 2;
  return `${push(BigInt(`0x${init}`))}600052${op === "f5" ? "6000" : ""}${
    pushAll(size, 32 - size, 0)
  }${op}`;
}

const WIDE = push(2n ** 256n - 189n);
/** Counts up a word on the stack that begins with {@linkcode FIRST}: another address or slot. */
const NEXT = "600101";
const FIRST = push(2n ** 100n);

const SIGNATURE = [
  [0x18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1cn, 0],
  [28n, 32],
  [0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75fn, 64],
  [0xeeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549n, 96],
].map(([word = 0, offset = 0]) => `${pushAll(word, offset)}52`).join("");

/** Code by what it does, and a quota if it takes more to do it. */
const HOSTILE: readonly (readonly [name: string, code: string, quota?: bigint])[] = [
  ["jumps without end", "5b600056"],
  ["jumps into the data of a PUSH without end", "605b600156"],
  ["runs along JUMPDESTs", loop("5b")],
  ["calls itself twice at every depth", recurse("f1").repeat(2)],
  ["calls itself by CALLCODE", loop(recurse("f2"))],
  ["calls itself by DELEGATECALL", loop(recurse("f4"))],
  ["calls itself by STATICCALL", loop(recurse("fa"))],
  ["calls itself with half of its gas", loop(`${pushAll(0, 0, 0, 0, 0)}3060025a04f150`)],
  ["calls itself and reverts", `${recurse("f1").repeat(2)}60006000fd`],
  ["calls itself and fails", `${recurse("f1").repeat(2)}fe`],
  ["calls itself with a full stack of wide words", WIDE.repeat(1000) + recurse("f1")],
  ["calls somebody new each time", loop(`${NEXT}${pushAll(0, 0, 0, 0)}845af450`, FIRST)],
  ["reads balances of nobody", loop(`${NEXT}803150`, FIRST)],
  ["reads sizes of code of nobody", loop(`${NEXT}803b50`, FIRST)],
  ["reads hashes of code of nobody", loop(`${NEXT}803f50`, FIRST)],
  ["reads code of nobody", loop(`${NEXT}602060006000833c`, FIRST)],
  ["reads empty slots", loop(`${NEXT}805450`, FIRST)],
  ["fills slots", loop(`${NEXT}808155`, FIRST)],
  ["fills slots, and keeps them", loopThenStop(`${NEXT}808155`, FIRST)],
  ["writes zero to empty slots", loop(`${NEXT}60008155`, FIRST)],
  ["fills and clears a slot", loop("60016000556000600055")],
  ["raises to huge powers", loop("81810a50", WIDE + WIDE)],
  ["raises to small powers", loop("81810a50", push(255) + WIDE)],
  ["multiplies modulo a wide word", loop("8282820950", WIDE + push(2n ** 255n + 7n) + WIDE)],
  ["divides wide words", loop("81810550", push(2n ** 130n + 1n) + WIDE)],
  ["hashes small pieces", loop("602060002050")],
  ["hashes large pieces", loop("61ffff60002050")],
  ["logs nothing", loop("60006000a0")],
  ["logs nothing, and keeps it", loopThenStop("60006000a0")],
  ["logs four topics", loop("8080808060006000a4", WIDE)],
  ["logs large pieces", loop("61ffff6000a0")],
  ["copies calldata that is not there", loop("61ffff5a600037")],
  ["recovers signers", loop(native(1, 128), SIGNATURE)],
  ["computes SHA-256", loop(native(2, 2000))],
  ["computes RIPEMD-160", loop(native(3, 2000))],
  ["copies by the identity contract", loop(native(4, 100_000))],
  ["calls what the chain does not implement", loop(`${pushAll(0, 0, 500, 0, 8)}61fffffa50`)],
  ["copies what was returned over and over", loop("3d600060003e", native(4, 100_000))],
  ["grows its memory word by word", loop("595150")],
  ["grows it above 16 MiB", loop("595150", `${push(2 ** 24)}5150`), 545_000_000n],
  ["asks for memory up to the limit", `${push(2 ** 30 - 32)}51`],
  ["asks for memory behind the limit", `${push(2 ** 30)}51`],
  ["takes 100 KB of memory at every depth", `${push(100_000)}5150${recurse("f1").repeat(2)}`],
  ["creates contracts without code", loop(`${pushAll(0, 0, 0)}f050`)],
  ["creates contracts, and keeps them", loopThenStop(`${pushAll(0, 0, 0)}f050`)],
  [
    "creates from 8 MiB of code",
    loop(`${push(2 ** 23)}60006000f050`, `${push(2 ** 23)}5150`),
    145_000_000n,
  ],
  ["creates with a value that it lacks", loop(`${pushAll(0, 0, 1)}f050`)],
  ["creates what removes itself", loop(`6133ff600052${pushAll(2, 30, 0)}f050`)],
  ["creates what creates itself", spawn("f0")],
  ["creates what creates itself by CREATE2", spawn("f5")],
  ["removes itself in favour of somebody new", `${recurse("f1")}5aff`],
];

/** How hostile code may end; another error would mean that it did not get to its point. */
const ENDINGS = ["", "Out of quota.", "Reverted.", "Instruction is not supported."];

for (const [name, code, quota = QUOTA] of HOSTILE) {
  Deno.test(`a contract that ${name} takes no longer than its quota`, () => {
    const test = newChain();
    const to = contractOf(test, code);
    let errors: string[] = [];
    const seconds = secondsOf(() => errors = growBounded(test, [{ to, quota }]));
    const gas = Math.min(Number(quota), 10 * Number(QUOTA));
    assert(seconds < GRACE_SECONDS + gas / GAS_PER_SECOND_MIN, `${seconds} seconds`);
    assert(ENDINGS.includes(errors[0] ?? "none"), `${errors[0]}`);
    assert.deepEqual(growBounded(test, [{ to: "99".repeat(20), quota }]), [""]);
  });
}

Deno.test("large code of many contracts is not read again each time that one looks at it", () => {
  const test = newChain();
  const addresses = Array.from({ length: 12 }, (_, index) => {
    const data = `${pushAll(index + 1, 0)}53${push(2 ** 20)}6000f3`;
    const [receipt] = test.grow({ data, quota: DEPLOY_QUOTA }).receipts;
    assert.equal(receipt?.errorMessage, "");
    return toHex(receipt.contractAddress);
  });
  const to = contractOf(test, loop(addresses.map((address) => `73${address}3b50`).join("")));
  const quota = 1_000_000n;
  const seconds = secondsOf(() => growBounded(test, [{ to, quota }]));
  assert(seconds < GRACE_SECONDS + Number(quota) / GAS_PER_SECOND_MIN, `${seconds} seconds`);
});

/** Transactions with random data to some contracts, by a few senders. */
function randomTransactions(targets: readonly string[]): fc.Arbitrary<TestTransaction[]> {
  const transaction = fc.record({
    to: fc.constantFrom(...targets),
    data: fc.uint8Array({ maxLength: 100 }).map(toHex),
    quota: fc.bigInt(20_000n, 300_000n),
    version: fc.nat({ max: 4 }),
    value: fc.constantFrom(0n, 1n, 2n ** 255n),
  });
  return fc.array(transaction, { minLength: 1, maxLength: 4 });
}

/** Grows a chain by blocks, then again with a restart after each: both give the same roots. */
function assertSameRoots(blocks: readonly (readonly TestTransaction[])[]): void {
  const [kept, restarted] = [newChain(), newChain()];
  for (const block of blocks) {
    restarted.restart();
    growBounded(kept, block);
    growBounded(restarted, block);
    assert.equal(toHex(kept.chain.header.stateRoot), toHex(restarted.chain.header.stateRoot));
    assert.equal(toHex(kept.chain.header.receiptsRoot), toHex(restarted.chain.header.receiptsRoot));
  }
}

/** Code of random bytes, with more instructions that push than there are among the bytes. */
const RANDOM_CODE = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.nat({ max: 255 }) },
    { weight: 1, arbitrary: fc.constantFrom(0x60, 0x30, 0x5a, 0x36, 0x3d, 0x80, 0x5b, 0xf1, 0x55) },
  ),
  { maxLength: 300 },
).map((bytes) => toHex(Uint8Array.from(bytes)));

Deno.test("random bytes as code, init code and calldata crash nothing, with or without restarts", () => {
  fc.assert(
    fc.property(
      fc.tuple(RANDOM_CODE, RANDOM_CODE),
      randomTransactions(FIRST_CONTRACTS),
      ([first, second], block) => {
        const creations = [deploy(first), deploy(second), first, second].map((data) => ({
          data,
          quota: 500_000n,
        }));
        assertSameRoots([creations, block, block]);
      },
    ),
    { numRuns: 150 },
  );
});

/** Changes of code or calldata: a byte set, removed, doubled, or two pieces swapped. */
const MUTATIONS = fc.array(
  fc.record({ kind: fc.nat({ max: 3 }), at: fc.nat(), byte: fc.nat({ max: 255 }) }),
  { minLength: 1, maxLength: 5 },
);
type Mutation = typeof MUTATIONS extends fc.Arbitrary<(infer M)[]> ? M : never;

function mutate(bytes: Bytes, mutations: readonly Mutation[]): Bytes {
  let changed = [...bytes];
  for (const { kind, at, byte } of mutations) {
    const place = changed.length === 0 ? 0 : at % changed.length;
    if (kind === 0) changed[place] = byte;
    else if (kind === 1) changed.splice(place, 1 + byte % 4);
    else if (kind === 2) changed.splice(place, 0, ...changed.slice(place, place + byte % 8));
    else changed = [...changed.slice(place), ...changed.slice(0, place)];
  }
  return Uint8Array.from(changed);
}

Deno.test("mutated contracts of a real compiler and mutated calldata crash nothing", () => {
  const real = Object.values(contracts08()).filter(({ deployed, links }) =>
    deployed.length > 0 && links.length === 0
  );
  fc.assert(
    fc.property(
      fc.nat(),
      MUTATIONS,
      MUTATIONS,
      fc.array(fc.nat(), { minLength: 3, maxLength: 6 }),
      (pick, ofCode, ofData, methods) => {
        const contract = real[pick % real.length];
        assert(contract !== undefined);
        const selectors = Object.values(contract.selectors);
        const calls = methods.map((method): TestTransaction => {
          const selector = selectors[method % selectors.length] ?? "";
          const argument = (method % 7).toString(16).padStart(64, "0");
          const data = fromHex(selector + argument + FIRST_CONTRACTS[0].padStart(64, "0"));
          const changed = method % 3 === 0 ? mutate(data, ofData) : data;
          return { to: FIRST_CONTRACTS[method % 2] ?? "", data: toHex(changed), quota: 400_000n };
        });
        const code = toHex(mutate(fromHex(contract.deployed), ofCode));
        const init = toHex(mutate(fromHex(contract.code), ofCode));
        const creations = [deploy(code), init].map((data) => ({ data, quota: 5_000_000n }));
        assertSameRoots([creations, calls]);
      },
    ),
    { numRuns: 200 },
  );
});
