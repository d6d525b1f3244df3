import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import {
  decode,
  decodeUint,
  encodeBytes,
  encodeList,
  encodeUint,
  RLP_DEPTH_MAX,
  RlpError,
  type RlpItem,
  RlpWriter,
} from "./mod.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

function encode(item: RlpItem): Uint8Array {
  return item instanceof Uint8Array ? encodeBytes(item) : encodeList(item.map(encode));
}

const LOREM = "Lorem ipsum dolor sit amet, consectetur adipisicing elit";

const VECTORS: readonly [string, RlpItem, string][] = [
  ["empty string", new Uint8Array(0), "80"],
  ["dog", ascii("dog"), "83646f67"],
  ["zero byte", fromHex("00"), "00"],
  ["0x7f", fromHex("7f"), "7f"],
  ["0x80", fromHex("80"), "8180"],
  ["0x0400", fromHex("0400"), "820400"],
  ["55 bytes", ascii(LOREM.slice(0, 55)), "b7" + toHex(ascii(LOREM.slice(0, 55)))],
  ["56 bytes", ascii(LOREM), "b838" + toHex(ascii(LOREM))],
  ["1024 bytes", new Uint8Array(1024), "b90400" + "00".repeat(1024)],
  ["empty list", [], "c0"],
  ["cat and dog", [ascii("cat"), ascii("dog")], "c88363617483646f67"],
  ["set of three", [[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"],
  [
    "a list of 60 payload bytes",
    Array.from({ length: 15 }, () => ascii("abc")),
    "f83c" + "83616263".repeat(15),
  ],
];

for (const [name, item, hex] of VECTORS) {
  Deno.test(`encode and decode agree with the published vector: ${name}`, () => {
    assert.equal(toHex(encode(item)), hex);
    assert.deepEqual(decode(fromHex(hex)), item);
  });
}

Deno.test("encodeUint() writes the shortest big-endian form of numbers and bigints", () => {
  const cases: [bigint, string][] = [
    [0n, "80"],
    [1n, "01"],
    [127n, "7f"],
    [128n, "8180"],
    [1024n, "820400"],
    [0xfffffn, "830fffff"],
    [2n ** 64n - 1n, "88ffffffffffffffff"],
    [2n ** 256n - 1n, "a0" + "ff".repeat(32)],
  ];
  for (const [value, hex] of cases) {
    assert.equal(toHex(encodeUint(value)), hex);
    assert.equal(decodeUint(decode(fromHex(hex))), value);
    if (value < 2n ** 53n) assert.equal(toHex(encodeUint(Number(value))), hex);
  }
});

Deno.test("encodeUint() refuses what is negative, fractional or inexact", () => {
  for (const value of [-1, -1n, 1.5, 2 ** 53, NaN]) {
    assert.throws(() => encodeUint(value), RangeError);
  }
});

Deno.test("encodeBytes() writes headers of two, three and four bytes", () => {
  for (const [size, header] of [[255, "b8ff"], [256, "b90100"], [65536, "ba010000"]] as const) {
    const encoded = encodeBytes(new Uint8Array(size));
    assert.equal(toHex(encoded.subarray(0, header.length / 2)), header);
    assert.equal((decode(encoded) as Uint8Array).length, size);
  }
});

const HOSTILE: readonly [string, string, RegExp][] = [
  ["nothing", "", /no item is left/],
  ["a string cut off", "83646f", /must end by byte 3, got a size of 3/],
  ["a list cut off", "c2", /must end by byte 1/],
  ["an inner item beyond its list's end", "c3836361", /must end by byte 4/],
  ["a lone byte with a header", "8101", /must stand alone/],
  ["a short string in long form", "b801ff", /must be in short form/],
  ["a short list in long form", "f80180", /must be in short form/],
  ["a size with a leading zero", "b90038" + "11".repeat(56), /must not begin with zero/],
  ["a size that is cut off", "bf11", /its size is cut off/],
  ["a huge size", "bfffffffffffffffff", /must end by byte 9/],
  ["bytes after the item", "8080", /1 bytes after it/],
];

for (const [name, hex, message] of HOSTILE) {
  Deno.test(`decode() refuses ${name}`, () => {
    assert.throws(
      () => decode(fromHex(hex)),
      (error) => error instanceof RlpError && message.test(error.message),
    );
  });
}

Deno.test("decode() refuses lists nested too deeply instead of exhausting the stack", () => {
  let deep = fromHex("c0");
  for (let i = 1; i < RLP_DEPTH_MAX; i++) deep = encodeList([deep]);
  assert.doesNotThrow(() => decode(deep));
  for (let i = 0; i < 20_000; i++) if (i < 5 || i % 50 === 0) deep = encodeList([deep]);
  assert.throws(() => decode(deep), /nested at most 64 deep/);
});

Deno.test("decodeUint() refuses lists and leading zeros", () => {
  assert.throws(() => decodeUint([]), RlpError);
  assert.throws(() => decodeUint(fromHex("0001")), RlpError);
});

const ITEM = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 5 },
    fc.uint8Array({ maxLength: 80 }),
    fc.array(tie("item"), { maxLength: 8 }),
  ),
})).item;

Deno.test("decode() inverts the encoder for any item", () => {
  fc.assert(fc.property(ITEM, (item) => assert.deepEqual(decode(encode(item)), item)));
});

Deno.test("decode() of any bytes either refuses or round-trips", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      let item: RlpItem;
      try {
        item = decode(bytes);
      } catch (error) {
        assert.ok(error instanceof RlpError);
        return;
      }
      assert.equal(toHex(encode(item)), toHex(bytes));
    }),
    { numRuns: 2000 },
  );
});

/** Writes an item as users of a writer do: from the last to the first. */
function write(writer: RlpWriter, item: RlpItem): void {
  if (item instanceof Uint8Array) return writer.bytes(item);
  const { size } = writer;
  for (const inner of item.toReversed()) write(writer, inner);
  writer.list(size);
}

Deno.test("RlpWriter writes what encodeBytes() and encodeList() give, also beyond its first buffer", () => {
  const item: fc.Arbitrary<RlpItem> = fc.letrec<{ item: RlpItem }>((tie) => ({
    item: fc.oneof(
      { maxDepth: 4 },
      fc.uint8Array({ maxLength: 1500 }),
      fc.array(tie("item"), { maxLength: 4 }),
    ),
  })).item;
  const writer = new RlpWriter();
  fc.assert(fc.property(item, (item) => {
    write(writer, item);
    assert.equal(toHex(writer.take()), toHex(encode(item)));
    assert.equal(writer.size, 0);
  }));
});

Deno.test("RlpWriter leaves what was taken alone when it gives a large buffer up", () => {
  const writer = new RlpWriter();
  const large = new Uint8Array(200_000).fill(7);
  writer.bytes(large);
  const taken = writer.take();
  writer.bytes(new Uint8Array(300).fill(9));
  assert.equal(toHex(taken.subarray(-large.length)), toHex(large));
  assert.equal(toHex(writer.take()), toHex(encodeBytes(new Uint8Array(300).fill(9))));
});

Deno.test("RlpWriter writes integers as the shortest string of their bytes", () => {
  const writer = new RlpWriter();
  const written = (value: bigint | number) => {
    writer.uint(value);
    return toHex(writer.take());
  };
  const uint = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
  fc.assert(fc.property(uint, fc.nat(256), (value, bits) => {
    const short = BigInt.asUintN(bits, value);
    const digits = short === 0n ? "" : short.toString(16);
    const bytes = fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
    assert.equal(written(short), toHex(encodeBytes(bytes)));
    if (short <= BigInt(Number.MAX_SAFE_INTEGER)) {
      assert.equal(written(Number(short)), written(short));
    }
  }));
  for (const value of [-1, -1n, 0.5, 2 ** 53, 2n ** 256n]) {
    assert.throws(() => writer.uint(value), RangeError, String(value));
  }
});
