import assert from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../bytes/mod.ts";
import { decodeDer, encodeDer, encodeInteger, encodeOid, TAG } from "./der.ts";
import { CertificateError } from "./errors.ts";
import { encodeTime, readTime } from "./time.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

Deno.test("encodeDer() writes the shortest length and DerReader reads it", () => {
  for (const size of [0, 1, 127, 128, 255, 256, 65535, 65536, 70000]) {
    const content = new Uint8Array(size).fill(7);
    const encoded = encodeDer(TAG.octetString, content);
    const read = decodeDer(encoded, (reader) => reader.element(TAG.octetString));
    assert.deepEqual(read.content, content);
    assert.deepEqual(read.encoded, encoded);
  }
});

Deno.test("DerReader refuses what is not DER", () => {
  const wrong = ["", "04", "0401", "0480", "048101", "04820001", "0484000000010", "1f0100"];
  for (const text of [...wrong, "0400ff", "04817f"]) {
    const bytes = hex(text.slice(0, text.length - text.length % 2));
    assert.throws(() => decodeDer(bytes, (reader) => reader.any()), CertificateError, text);
  }
});

Deno.test("DerReader refuses lengths that are written with more bytes than they need", () => {
  for (const [header, size] of [["04817f", 127], ["0482007f", 127], ["048200ff", 255]] as const) {
    const bytes = Uint8Array.of(...hex(header), ...new Uint8Array(size));
    assert.throws(() => decodeDer(bytes, (reader) => reader.any()), /with fewer bytes/, header);
  }
});

Deno.test("DerReader reads numbers, flags and bit strings in their one form only", () => {
  const number = (text: string) => decodeDer(hex(text), (reader) => reader.smallInteger());
  assert.equal(number("020100"), 0);
  assert.equal(number("02020080"), 128);
  assert.equal(number("02047fffffff"), 2 ** 31 - 1);
  for (const text of ["0200", "020180", "02020001", "02050080000000"]) {
    assert.throws(() => number(text), CertificateError, text);
  }
  const flag = (text: string) => decodeDer(hex(text), (reader) => reader.flag());
  assert.deepEqual(["", "0101ff", "010100"].map(flag), [false, true, false]);
  for (const text of ["010101", "0100", "0102ffff"]) {
    assert.throws(() => flag(text), CertificateError, text);
  }
  const bits = (text: string) => decodeDer(hex(text), (reader) => reader.bitString());
  assert.equal(toHex(bits("03020001")), "01");
  for (const text of ["0300", "03020101"]) assert.throws(() => bits(text), CertificateError, text);
});

Deno.test("encodeOid() and DerReader.oid() are inverse", () => {
  assert.equal(toHex(encodeOid("1.2.840.10045.4.3.2")), "06082a8648ce3d040302");
  const arcs = fc.record({
    top: fc.constantFrom("0.39", "1.0", "1.3", "2.0", "2.999"),
    rest: fc.array(fc.nat(), { maxLength: 6 }),
  });
  fc.assert(fc.property(arcs, ({ top, rest }) => {
    const text = [top, ...rest].join(".");
    assert.equal(decodeDer(encodeOid(text), (reader) => reader.oid()), text);
  }));
  for (const text of ["0600", "06022a80", "06032a8001", `0641${"01".repeat(65)}`]) {
    assert.throws(() => decodeDer(hex(text), (reader) => reader.oid()), CertificateError, text);
  }
});

Deno.test("encodeInteger() writes no sign and no needless zero", () => {
  const cases = [[0n, "020100"], [127n, "02017f"], [128n, "02020080"], [256n, "02020100"]] as const;
  for (const [value, expected] of cases) assert.equal(toHex(encodeInteger(value)), expected);
});

Deno.test("encodeTime() and readTime() are inverse from 1950 to 9999", () => {
  const seconds = fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(9999, 11, 31) / 1000 });
  fc.assert(fc.property(seconds, (second) => {
    assert.equal(decodeDer(encodeTime(second * 1000), readTime), second * 1000);
  }));
});

Deno.test("readTime() shows the beginning of a wrong time only, with its control characters quoted", () => {
  const text = `2601010000\n${"\x1b".repeat(60_000)}`;
  const bytes = encodeDer(TAG.utcTime, new TextEncoder().encode(text));
  assert.throws(() => decodeDer(bytes, readTime), {
    name: "CertificateError",
    message: `Cannot read the time "2601010000\\n${"\\u001b".repeat(4)}...": ` +
      "it must be YYMMDDhhmmssZ or YYYYMMDDhhmmssZ",
  });
});
