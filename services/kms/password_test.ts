import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { ConfigError } from "../../shared/config/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { StartRefusal } from "../../shared/service/mod.ts";
import type { KmsConfig } from "./config.ts";
import { startKms } from "./start.ts";
import { KMS_DEFAULTS } from "./testing/served_kms.ts";

Deno.test("startKms() takes the password of a file, says where it is, and warns of its mode", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const log = { ...SILENT_LOGGER, info: write, warn: write };
    const file = `${folder}/db_key`;
    const config: KmsConfig = { ...KMS_DEFAULTS, db_path: `${folder}/kms.db`, db_key_file: file };
    const start = (values: Partial<KmsConfig> = {}) =>
      startKms("eth", { config: { ...config, ...values }, clock: SYSTEM_CLOCK, log });
    await Deno.writeTextFile(file, "of the file\n");
    await Deno.chmod(file, 0o600);
    await (await start()).stop();
    assert(lines.includes(`password of the key database is from file "${file}"`));
    assert(!lines.some((line) => line.includes("OTHER USERS")), lines.join("\n"));
    await (await start({ db_key: "of the file", db_key_file: null })).stop();
    await assert.rejects(
      start({ db_key_file: null }),
      (error) => error instanceof StartRefusal && error.exitCode === 101,
    );
    await Deno.chmod(file, 0o644);
    await (await start()).stop();
    const warning = `OTHER USERS MAY READ THE SECRET in file "${file}": its mode should be 600`;
    assert(lines.includes(warning));
    await Deno.remove(file);
    await assert.rejects(start(), ConfigError);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
