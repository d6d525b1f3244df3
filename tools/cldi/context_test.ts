import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DEFAULT_CONTEXT,
  DEFAULT_CONTEXT_FILE,
  readContextFile,
  writeContextFile,
} from "./context.ts";

Deno.test("writeContextFile() gives the default file of the reference, 169 bytes", () => {
  const text = writeContextFile(DEFAULT_CONTEXT_FILE);
  assert.equal(
    text,
    `default_context = 'default'
[context_settings.default]
controller_addr = 'localhost:50004'
executor_addr = 'localhost:50002'
account_name = 'default'
crypto_type = 'SM'
`,
  );
  assert.equal(text.length, 169);
});

Deno.test("readContextFile() reads every file that writeContextFile() writes", () => {
  const name = fc.string({ minLength: 1 });
  fc.assert(fc.property(name, name, (contextName, accountName) => {
    fc.pre(contextName !== "__proto__");
    const context = { ...DEFAULT_CONTEXT, account_name: accountName };
    const file = { defaultContext: contextName, contexts: new Map([[contextName, context]]) };
    assert.deepEqual(readContextFile(writeContextFile(file), "config.toml"), file);
  }));
});

Deno.test("readContextFile() names the key that is missing or wrong", () => {
  const text = writeContextFile(DEFAULT_CONTEXT_FILE);
  const messageOf = (source: string) => {
    try {
      readContextFile(source, "config.toml");
    } catch (error) {
      return String(error);
    }
    return "accepted";
  };
  assert.match(
    messageOf(text.replace(/executor_addr.*\n/, "")),
    /missing field `executor_addr` for key `context_settings.default`/,
  );
  assert.match(messageOf(text.replace("'SM'", "'XX'")), /expected `SM` or `ETH`/);
  assert.match(messageOf("default_context = 'x'"), /missing field `context_settings`/);
  assert.match(messageOf("x = ["), /Cannot parse "config.toml"/);
});
