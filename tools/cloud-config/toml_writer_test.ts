import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDocument } from "../../shared/config/mod.ts";
import { formatString, formatToml } from "./toml_writer.ts";

Deno.test("formatString() chooses the quotes of the reference tool", () => {
  const cases: [string, string][] = [
    ["", "''"],
    ["plain", "'plain'"],
    ["tab\there", "'tab\there'"],
    ['say "x" \\ y', "'say \"x\" \\ y'"],
    ["it's", "'''it's'''"],
    ["two''quotes", "'''two''quotes'''"],
    ["three'''quotes", "\"three'''quotes\""],
    ["ends with '", '"ends with \'"'],
    ["two\nlines", "'''\ntwo\nlines'''"],
    ["cr\r\n", '"""\ncr\\r\n"""'],
    ['\b\f\r"\\\u0001\u007f\t', '"\\b\\f\\r\\"\\\\\\u0001\\u007F\\t"'],
  ];
  for (const [text, expected] of cases) assert.equal(formatString(text), expected);
});

Deno.test("formatToml() orders values before arrays of tables before tables", () => {
  const text = formatToml({
    table: { z: 1, a: true },
    list: [{ b: "x", a: 2n }, { a: 3n }],
    zero: [],
    one: ["x"],
    two: ["x", "y"],
    below: { list: [{ a: "z" }], value: "v" },
  });
  assert.equal(
    text,
    `one = ['x']
two = [
    'x',
    'y',
]
zero = []

[[list]]
a = 2
b = 'x'

[[list]]
a = 3

[below]
value = 'v'

[[below.list]]
a = 'z'

[table]
a = true
z = 1

`,
  );
});

Deno.test("formatToml() refuses a number that TOML cannot hold", () => {
  assert.equal(formatToml({ limit: 2n ** 63n - 1n }), "limit = 9223372036854775807\n\n");
  assert.throws(
    () => formatToml({ limit: 2n ** 63n }),
    /Cannot write limit: it must be at most 9223372036854775807, got 9223372036854775808/,
  );
});

Deno.test("formatToml() writes strings that read back as they were", () => {
  const character = fc.constantFrom(..."'\"\\\n\r\t\b\f\u0000\u001f\u007f aé€😀#=[");
  const strings = fc.string({ unit: fc.oneof(character, fc.string({ maxLength: 1 })) });
  fc.assert(fc.property(strings, (text) => {
    const document = parseDocument(formatToml({ table: { text, list: [text, text] } }), "x");
    assert.deepEqual({ ...Object(document.tables["table"]) }, { text, list: [text, text] });
  }));
});
