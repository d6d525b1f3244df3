/**
 * Contracts that real compilers made, each on our chain and on an EVM of others: receipts, logs,
 * quota and the root of the state are the same after every block, see `TwinChain`.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../../../shared/bytes/mod.ts";
import {
  calldata,
  type Compiled,
  type Contracts,
  contracts04,
  contracts08,
  encode,
  link,
  text,
  type Value,
} from "../testing/solidity.ts";
import { SENDER, type TestTransaction, usedQuota } from "../testing/test_chain.ts";
import { TwinChain } from "../testing/twin_chain.ts";

const ALICE = "a1".repeat(20);
const BOB = "b0".repeat(20);
const QUOTA = 10_000_000n;

/** A contract on a twin chain. */
class Deployed {
  private constructor(
    readonly twin: TwinChain,
    readonly compiled: Compiled,
    readonly address: string,
  ) {}

  static async create(
    twin: TwinChain,
    compiled: Compiled | undefined,
    ...values: Value[]
  ): Promise<Deployed> {
    assert(compiled !== undefined);
    const address = await twin.create(compiled.code + encode(...values));
    return new Deployed(twin, compiled, address);
  }

  /** A contract that exists already. */
  static at(twin: TwinChain, compiled: Compiled | undefined, address: string): Deployed {
    assert(compiled !== undefined);
    return new Deployed(twin, compiled, address);
  }

  /** A transaction that calls a function. */
  tx(signature: string, ...values: Value[]): TestTransaction {
    return { to: this.address, data: calldata(this.compiled, signature, ...values), quota: QUOTA };
  }

  /** The answer to a call of a function. */
  call(signature: string, ...values: Value[]): Promise<string> {
    return this.twin.call(this.address, calldata(this.compiled, signature, ...values));
  }
}

const word = (value: number | bigint) => encode(value);
const errorsOf = (receipts: readonly { errorMessage: string }[]) =>
  receipts.map(({ errorMessage }) => errorMessage);

/** A test of contracts that one of the compilers made. */
function test(
  name: string,
  run: (twin: TwinChain, contracts: Contracts) => Promise<void>,
  contracts = contracts08,
): void {
  Deno.test(name, async () => await run(await TwinChain.create(), contracts()));
}

test(
  "ERC-20 of OpenZeppelin: transfers, allowances, burning and their refusals",
  async (twin, { Coin }) => {
    const coin = await Deployed.create(
      twin,
      Coin,
      text("A coin with a name above 32 bytes"),
      text("C"),
      1000,
    );
    const transfer = (to: string, amount: number) =>
      coin.tx("transfer(address,uint256)", to, amount);
    const receipts = await twin.grow(
      transfer(ALICE, 300),
      transfer(ALICE, 0),
      transfer(SENDER, 10),
      transfer("00".repeat(20), 1),
      transfer(BOB, 701),
      { ...transfer(BOB, 300), sender: ALICE },
      coin.tx("approve(address,uint256)", BOB, 50),
      { ...coin.tx("transferFrom(address,address,uint256)", SENDER, BOB, 51), sender: BOB },
      { ...coin.tx("transferFrom(address,address,uint256)", SENDER, BOB, 50), sender: BOB },
      coin.tx("approve(address,uint256)", ALICE, 2n ** 256n - 1n),
      { ...coin.tx("transferFrom(address,address,uint256)", SENDER, BOB, 5), sender: ALICE },
      coin.tx("burn(uint256)", 645),
      coin.tx("burn(uint256)", 1),
    );
    const [ok, reverted] = ["", "Reverted."];
    assert.deepEqual(errorsOf(receipts), [
      ...[ok, ok, ok, reverted, reverted, ok, ok, reverted, ok, ok, ok, ok, reverted],
    ]);
    assert.equal(await coin.call("balanceOf(address)", BOB), word(355));
    assert.equal(await coin.call("totalSupply()"), word(355));
    assert.match(await coin.call("name()"), /^0{62}200{62}21/);
  },
);

test(
  "ERC-721 of OpenZeppelin: receivers that take, refuse, fail and never end",
  async (twin, contracts) => {
    const deed = await Deployed.create(twin, contracts.Deed);
    const receiver = await Deployed.create(twin, contracts.Receiver);
    await twin.grow(
      deed.tx("mint(address,uint256)", SENDER, 1),
      deed.tx("mint(address,uint256)", SENDER, 1),
      deed.tx("mint(address,uint256)", "00".repeat(20), 2),
      deed.tx("approve(address,uint256)", ALICE, 1),
      { ...deed.tx("transferFrom(address,address,uint256)", SENDER, BOB, 1), sender: BOB },
      { ...deed.tx("transferFrom(address,address,uint256)", SENDER, BOB, 1), sender: ALICE },
      { ...deed.tx("setApprovalForAll(address,bool)", ALICE, true), sender: BOB },
      { ...deed.tx("burn(uint256)", 1), sender: ALICE },
      deed.tx("burn(uint256)", 99),
    );
    for (let mode = 0; mode <= 5; mode++) {
      const receipts = await twin.grow(
        receiver.tx("setMode(uint256)", mode),
        deed.tx(
          "safeMint(address,uint256,bytes)",
          receiver.address,
          10 + mode,
          text("data".repeat(mode)),
        ),
        deed.tx("safeMint(address,uint256,bytes)", deed.address, 20 + mode, text("")),
        deed.tx("safeMint(address,uint256,bytes)", ALICE, 30 + mode, text("")),
      );
      assert.deepEqual(errorsOf(receipts), ["", mode === 0 ? "" : "Reverted.", "Reverted.", ""]);
    }
    assert.equal(await deed.call("balanceOf(address)", receiver.address), word(1));
    assert.equal(await deed.call("tokenURI(uint256)", 30), word(32) + word(0));
    assert.match(await deed.call("ownerOf(uint256)", 99), /^7e273289/);
  },
);

test(
  "CREATE and CREATE2 by a factory: children that fail, remove themselves, are large or empty",
  async (twin, { Factory }) => {
    const factory = await Deployed.create(twin, Factory);
    for (let kind = 0; kind <= 8; kind++) {
      const predicted = await factory.call("predicted(uint256,bytes32)", kind, kind);
      const [, made] = await twin.grow(
        factory.tx("make(uint256)", kind),
        factory.tx("make2(uint256,bytes32)", kind, kind),
        factory.tx("make2(uint256,bytes32)", kind, kind),
        factory.tx("tryMake(uint256,bytes32)", kind, 1000 + kind),
      );
      const topic = made?.logs[0]?.topics[1];
      if (topic !== undefined) assert.equal(toHex(topic), predicted);
    }
    await twin.grow(factory.tx("withValue()"), factory.tx("make2AndKill(bytes32)", 5));
    await twin.grow(factory.tx("make2AndKill(bytes32)", 5), factory.tx("make2AndKill(bytes32)", 5));
    await factory.call("count()");
  },
);

test(
  "a bank that pays before it writes is robbed, a guarded one is not",
  async (twin, contracts) => {
    const bank = await Deployed.create(twin, contracts.Bank);
    const thief = await Deployed.create(twin, contracts.Thief, bank.address);
    const steal = (rounds: number, isGuarded: boolean) =>
      thief.tx("steal(uint256,bool)", rounds, isGuarded);
    const receipts = await twin.grow(
      steal(1, false),
      bank.tx("deposit(address,uint256)", thief.address, 10),
      steal(3, true),
      steal(3, false),
      steal(0, false),
      bank.tx("deposit(address,uint256)", thief.address, 1),
      steal(40, false),
      bank.tx("withdraw()"),
    );
    const [ok, no] = ["", "Reverted."];
    assert.deepEqual(errorsOf(receipts), [no, ok, no, ok, no, ok, ok, no]);
    assert.equal(await thief.call("loot()"), word(40 + 41));
  },
);

test(
  "events of 0 to 4 topics, anonymous ones, indexed strings, and those of failed calls",
  async (twin, { Events }) => {
    const events = await Deployed.create(twin, Events);
    const all = (seed: number, words: string) =>
      events.tx("all(uint256,string,bytes)", seed, text(words), text(words.repeat(2)));
    const receipts = await twin.grow(
      all(0, ""),
      all(7, "a few words"),
      all(2 ** 40, "x".repeat(1000)),
      events.tx("many(uint256)", 300),
      events.tx("some()"),
      events.tx("failing()"),
    );
    const topicCounts = receipts[1]?.logs.map(({ topics }) => topics.length);
    assert.deepEqual(topicCounts, [1, 1, 2, 3, 4, 4, 0]);
    assert.deepEqual(receipts.map(({ logs }) => logs.length), [7, 7, 7, 300, 4, 0]);
  },
);

test(
  "reasons, custom errors, panics, endless loops: alone, caught, and short of quota",
  async (twin, { Failures }) => {
    const failures = await Deployed.create(twin, Failures);
    for (let kind = 0; kind <= 20; kind++) {
      const data = { ...failures.tx("fail(uint256)", kind), quota: 200_000n };
      await twin.grow(data, { ...data, version: 3 }, failures.tx("catching(uint256)", kind));
      await failures.call("view_(uint256)", kind);
    }
    assert.equal(await failures.call("view_(uint256)", 1), "Reverted: seen");
    assert.equal(await failures.call("view_(uint256)", 3), "4e487b71" + word(1));
  },
);

test(
  "assert, throw and calls of solc 0.4: all gas is lost, nothing else",
  async (twin, contracts) => {
    const old = await Deployed.create(twin, contracts.OldWays);
    const other = await Deployed.create(twin, contracts.OldWays);
    for (let kind = 0; kind <= 8; kind++) {
      const fail = { ...old.tx("fail(uint256)", kind), quota: 300_000n };
      await twin.grow(fail, old.tx("calls(address,uint256)", other.address, kind));
    }
    const [asserted] = await twin.grow({ ...old.tx("fail(uint256)", 0), quota: 100_000n });
    assert.equal(asserted?.errorMessage, "Instruction is not supported.");
    assert.equal(asserted && usedQuota(asserted), 100_000);
    for (
      const [a, b] of [[7, 2], [-7, 2], [7, -2], [-7, -2], [-(2n ** 255n), -1], [1, 0]] as const
    ) {
      await old.call("signed(int256,int256)", a, b);
      await old.call("power(uint256,uint256)", a, b);
    }
    await twin.grow({ to: old.address, data: "12345678" }, { to: old.address, quota: 21_001n });
    await twin.grow(old.tx("kill(address)", other.address), old.tx("fail(uint256)", 9));
  },
  contracts04,
);

test("a token and contracts made in constructors by solc 0.4", async (twin, contracts) => {
  const token = await Deployed.create(twin, contracts.OldToken, text("old"), 100);
  const factory = await Deployed.create(twin, contracts.OldFactory);
  const receipts = await twin.grow(
    token.tx("transfer(address,uint256)", BOB, 60),
    token.tx("transfer(address,uint256)", BOB, 60),
    { ...token.tx("approve(address,uint256)", SENDER, 70), sender: BOB },
    token.tx("transferFrom(address,address,uint256)", BOB, ALICE, 71),
    token.tx("transferFrom(address,address,uint256)", BOB, ALICE, 60),
    factory.tx("make(uint256)", 9),
    { ...factory.tx("make(uint256)", 9), quota: 600_000n },
  );
  assert.deepEqual(errorsOf(receipts), ["", "Reverted.", "", "Reverted.", "", "", "Reverted."]);
  await token.call("name()");
}, contracts04);

test(
  "contracts that remove themselves: once, twice, in chains, in calls that are undone",
  async (twin, { Mortal }) => {
    const mortals: Deployed[] = [];
    for (let i = 0; i < 6; i++) mortals.push(await Deployed.create(twin, Mortal));
    const [a, b, c, d, e, f] = mortals as [
      Deployed,
      Deployed,
      Deployed,
      Deployed,
      Deployed,
      Deployed,
    ];
    await twin.grow(a.tx("setNext(address)", b.address), b.tx("setNext(address)", c.address));
    await twin.grow(
      d.tx("killAndFail(address)", e.address),
      d.tx("killAndUse(address)", e.address),
      e.tx("killAndUse(address)", f.address),
      d.tx("killAndUse(address)", e.address),
      a.tx("killChain(address)", ALICE),
      a.tx("killChain(address)", ALICE),
      d.tx("kill(address)", d.address),
      d.tx("setNext(address)", a.address),
    );
    assert.equal(await f.call("value()"), word(7));
    assert.equal(await a.call("value()"), "");
  },
);

/** Quotas from `from` on, denser where calls begin. */
function quotas(from: number, to: number, count: number): bigint[] {
  return Array.from(
    { length: count },
    (_, i) => BigInt(Math.floor(from + (to - from) * i / count)),
  );
}

test("out of quota at every depth undoes just what failed", async (twin, { Depths }) => {
  const depths = await Deployed.create(twin, Depths);
  const work = depths.tx("work(uint256)", 3);
  const enough = await twin.send(work);
  const all = quotas(21_000, usedQuota(enough) * 2, 240);
  const receipts = await twin.grow(...all.map((quota) => ({ ...work, quota })));
  const failed = receipts.filter(({ errorMessage }) => errorMessage !== "").length;
  assert(failed > 20 && failed < 200, `${failed} of ${all.length} failed`);
});

test(
  "calls of every kind nest until the gas or the depth of 1024 ends them",
  async (twin, { Depths }) => {
    const depths = await Deployed.create(twin, Depths);
    const dive = (kind: number, quota: bigint) => ({
      ...depths.tx("dive(uint256,uint256)", kind, 0),
      quota,
    });
    for (const kind of [0, 1, 2]) {
      await twin.grow(dive(kind, 100_000n), dive(kind, 3_000_000n), dive(kind, 1_073_741_824n));
    }
    const receipt = await twin.send(dive(0, 2n ** 62n));
    assert.equal(receipt.logs.length, 1);
    assert.equal(toHex(receipt.logs[0]?.data ?? new Uint8Array()), word(1024));
  },
);

test(
  "creations nest in constructors until the gas or the depth ends them",
  async (twin, { Bomb }) => {
    assert(Bomb !== undefined);
    const code = Uint8Array.from(Bomb.code.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    const data = Bomb.code + encode(0, code);
    await twin.grow(...[300_000n, 3_000_000n, 100_000_000n].map((quota) => ({ data, quota })));
  },
);

test("storage of every shape filled and cleared, with its refunds", async (twin, { Stores }) => {
  const stores = await Deployed.create(twin, Stores);
  let refunded = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const name = text("n".repeat(seed * 7 % 70));
    const receipts = await twin.grow(
      stores.tx("fill(uint256,string)", seed * seed, name),
      stores.tx("clear(uint256)", seed),
      { ...stores.tx("flip(uint256)", seed % 6), quota: 90_000n },
    );
    refunded += receipts.filter(({ errorMessage }) => errorMessage === "").length;
    await stores.call("sum(uint256)", seed % 3);
  }
  assert(refunded > 50);
});

test(
  "memory from nothing to megabytes: hashed, returned, copied in parts",
  async (twin, { Stores }) => {
    const stores = await Deployed.create(twin, Stores);
    for (const size of [0, 1, 31, 32, 33, 5000, 100_000, 700_000]) {
      await stores.call("big(uint256)", size);
      if (size > 31) await stores.call("partialCopies(uint256)", size);
    }
    assert.equal((await stores.call("returnBig(uint256)", 1_000_000)).length, 2 * 1_000_064);
    const data = Uint8Array.from({ length: 3333 }, (_, i) => i * 7);
    const echoed = await stores.call("echo(bytes)", data);
    assert.equal(echoed, encode(data));
    assert.equal(await stores.call("big(uint256)", 2n ** 64n), "4e487b71" + word(0x41));
  },
);

test(
  "a library and a proxy by DELEGATECALL keep sender, value and storage",
  async (twin, contracts) => {
    const { Ledger, Clerk, Proxy, Coin } = contracts;
    assert(Clerk !== undefined && Proxy !== undefined);
    const library = await Deployed.create(twin, Ledger);
    const clerk = Deployed.at(twin, Clerk, await twin.create(link(Clerk, library.address)));
    await twin.grow(
      clerk.tx("add(address,uint256)", ALICE, 5),
      { ...clerk.tx("add(address,uint256)", BOB, 6), sender: ALICE },
      { ...clerk.tx("add(address,uint256)", BOB, 6), quota: 60_000n },
    );
    assert.equal(await clerk.call("total()"), word(17));
    const coin = await Deployed.create(twin, Coin, text("c"), text("c"), 9);
    const proxied = Deployed.at(twin, Coin, await twin.create(Proxy.code + encode(coin.address)));
    await twin.grow(
      proxied.tx("approve(address,uint256)", BOB, 4),
      proxied.tx("transfer(address,uint256)", BOB, 1),
      { to: proxied.address },
    );
    assert.equal(await proxied.call("allowance(address,address)", SENDER, BOB), word(4));
  },
);

test("a read-only call can write in no way", async (twin, { Writer, ReadOnly }) => {
  const writer = await Deployed.create(twin, Writer);
  const reader = await Deployed.create(twin, ReadOnly);
  const receipt = await twin.send(reader.tx("tryAll(address)", writer.address));
  const done = receipt.logs.map(({ data }) => data[63]);
  assert.deepEqual(done, [0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1]);
  for (let kind = 0; kind < 11; kind++) {
    await reader.call("viaInterface(address,uint256)", writer.address, kind);
    await twin.grow(writer.tx("write(uint256)", kind));
  }
});

test(
  "precompiled contracts by CALL, STATICCALL and DELEGATECALL, with and without gas",
  async (twin, { Natives }) => {
    const natives = await Deployed.create(twin, Natives);
    const inputs = [0, 1, 32, 64, 127, 128, 192, 300].map((size) =>
      Uint8Array.from({ length: size }, (_, i) => i % 251)
    );
    for (const input of inputs) {
      await natives.call("hashes(bytes)", input);
      await twin.grow(
        natives.tx("callAll(bytes,uint256)", input, 0),
        natives.tx("callAll(bytes,uint256)", input, 3000),
        natives.tx("callAll(bytes,uint256)", input, 200_000),
      );
    }
    const hash = 0x18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1cn;
    const r = 0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75fn;
    const s = 0xeeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549n;
    const signer = await natives.call("recover(bytes32,uint8,bytes32,bytes32)", hash, 28, r, s);
    assert.equal(signer, "a94f5374fce5edbc8e2a8697c15331677e6ebf0b".padStart(64, "0"));
    for (const v of [0, 26, 27, 29]) {
      await natives.call(
        "recover(bytes32,uint8,bytes32,bytes32)",
        hash,
        v,
        r,
        s,
      );
    }
  },
);

test("fallback functions see sender, data, chain and block", async (twin, { Answers }) => {
  const answers = await Deployed.create(twin, Answers);
  await twin.grow(
    { to: answers.address },
    { to: answers.address, data: "ab".repeat(100), sender: ALICE },
    { to: answers.address, data: "ab", quota: 22_000n },
  );
  await twin.call(answers.address, "01020304");
});

test("constructor arguments of every kind reach code and storage", async (twin, { Arguments }) => {
  for (const size of [0, 1, 31, 32, 100]) {
    const raw = Uint8Array.from({ length: size }, (_, i) => i);
    const list = Array.from({ length: size % 7 }, (_, i) => i * i);
    const values = [2n ** 200n + 1n, ALICE, raw, list, text("words".repeat(size))];
    const made = await Deployed.create(twin, Arguments, ...values);
    await made.call("digest()");
    assert.equal(await made.call("number()"), word(2n ** 200n + 1n));
  }
});

/** The contracts that random transactions are sent to. */
async function createAll(twin: TwinChain, contracts: Contracts): Promise<Deployed[]> {
  const coin = await Deployed.create(twin, contracts.Coin, text("coin"), text("C"), 1_000_000);
  const bank = await Deployed.create(twin, contracts.Bank);
  const thief = await Deployed.create(twin, contracts.Thief, bank.address);
  const plain = ["Deed", "Receiver", "Factory", "Events", "Failures", "Depths", "Stores", "Mortal"];
  const others: Deployed[] = [];
  for (const name of [...plain, "Mortal", "Writer", "ReadOnly", "Natives", "Answers"]) {
    others.push(await Deployed.create(twin, contracts[name]));
  }
  return [coin, bank, thief, ...others];
}

/** What an argument of a function may be; an address is one of the contracts or of the senders. */
const ARGUMENT = fc.record({
  number: fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: 20 }).map(BigInt) },
    { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 256n - 1n) },
  ),
  address: fc.nat(),
  bytes: fc.uint8Array({ maxLength: 100 }),
});

const RANDOM_TRANSACTION = fc.record({
  contract: fc.nat(),
  method: fc.nat(),
  sender: fc.constantFrom(SENDER, ALICE, BOB),
  version: fc.constantFrom(0, 3),
  quota: fc.oneof(
    { weight: 3, arbitrary: fc.constant(2_000_000n) },
    { weight: 1, arbitrary: fc.bigInt(20_000n, 400_000n) },
  ),
  arguments: fc.array(ARGUMENT, { minLength: 5, maxLength: 5 }),
});

const RANDOM_BLOCKS = fc.array(fc.array(RANDOM_TRANSACTION, { maxLength: 12 }), { maxLength: 6 });

type RandomTransaction = typeof RANDOM_TRANSACTION extends fc.Arbitrary<infer T> ? T : never;

function transactionOf(random: RandomTransaction, contracts: readonly Deployed[]): TestTransaction {
  const target = contracts[random.contract % contracts.length];
  assert(target !== undefined);
  const signatures = Object.keys(target.compiled.selectors);
  const signature = signatures[random.method % signatures.length] ?? "()";
  const addresses = [...contracts.map(({ address }) => address), ALICE, BOB];
  const types = signature.slice(signature.indexOf("(") + 1, -1).split(",").filter((type) => type);
  const values = types.map((type, index): Value => {
    const value = random.arguments[index];
    assert(value !== undefined, signature);
    if (type === "address") return addresses[value.address % addresses.length] ?? ALICE;
    if (type === "bool") return value.number % 2n === 1n;
    return type === "bytes" || type === "string" ? value.bytes : value.number;
  });
  const { sender, version, quota } = random;
  const data = signatures.length === 0 ? "" : calldata(target.compiled, signature, ...values);
  return { to: target.address, data, sender, version, quota };
}

Deno.test("random transactions of random senders and quotas over all contracts", async () => {
  await fc.assert(
    fc.asyncProperty(RANDOM_BLOCKS, async (blocks) => {
      const twin = await TwinChain.create();
      const contracts = await createAll(twin, contracts08());
      for (const block of blocks) {
        await twin.grow(...block.map((random) => transactionOf(random, contracts)));
      }
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
