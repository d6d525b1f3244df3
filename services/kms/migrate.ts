import { askSecrets, ExitError, type Output } from "../../shared/cli/mod.ts";
import { findSecretOutside, type FoundSecret } from "../../shared/config/mod.ts";
import { loadSuite, type SuiteName } from "../../shared/crypto/mod.ts";
import { to0xHex } from "../../shared/bytes/mod.ts";
import {
  KmsDbError,
  type KmsDbFormat,
  migrateKmsDb,
  type Migration,
} from "../../shared/kms_db/mod.ts";
import type { CommandValues, OfflineCommand } from "../../shared/service/mod.ts";
import { KMS_KEYS, type KmsConfig } from "./config.ts";
import { exitCodeOf } from "./exit_code.ts";
import { exposureOf, findPassword } from "./password.ts";

/** The password of upstream's documents: everyone tries it first. */
const WELL_KNOWN_PASSWORD = KMS_KEYS.db_key.default;

const DETAILS = `Stop the kms first: the command refuses a file that one has open.

FORMATS:
    strong      each key sealed under a key made from the password (argon2id, 64 MiB):
                the file is worth nothing without the password
    upstream    readable by the reference kms and cloud-config: whoever has the file
                has its keys, with or without the password

The password of the file is looked for in db_key_file of the configuration, the systemd
credential kms_db_key, the variable CITA_CLOUD_KMS_DB_KEY and db_key. A new one comes from
--new-key-file, the credential kms_new_db_key, the variable CITA_CLOUD_KMS_NEW_DB_KEY or
--ask-new-key; without one the password stays.

EXAMPLES:
    kms migrate --to strong --ask-new-key      strong, with a password from the terminal
    kms migrate --new-key-file new.key         the same, with one from a file
    kms migrate --to upstream --keep-backup    back, for the reference kms
`;

const NEW_PASSWORD_TEXT =
  "the password is the new one: give it to the kms before it starts again\n";

/** `kms migrate`: converts the key database between its formats, or changes its password. */
export function migrateCommand(suiteName: SuiteName): OfflineCommand<typeof KMS_KEYS> {
  return {
    about: "convert the key database to the strong or to upstream's format",
    options: [
      ["--to <format>", "strong or upstream [default: strong]"],
      ["--new-key-file <path>", "file with a new password"],
      ["--ask-new-key", "ask for a new password at the terminal"],
      ["--keep-backup", "keep the old file beside the new one"],
    ],
    details: DETAILS,
    async run({ config, options, output }) {
      const to = readFormat(options.to);
      const password = findPassword(config);
      const newPassword = await findNewPassword(options);
      for (const found of [password, newPassword]) warnOfExposure(found, output);
      try {
        const migration = await migrateKmsDb({
          path: config.db_path,
          suite: await loadSuite(suiteName),
          password: password.value,
          newPassword: newPassword?.value ?? null,
          to,
          keepBackup: options.keepBackup === true,
        });
        report(output, { config, to, migration });
        if (migration !== null && newPassword !== null) output.out(NEW_PASSWORD_TEXT);
        const isWellKnown = (newPassword ?? password).value === WELL_KNOWN_PASSWORD;
        if (to === "strong" && isWellKnown) {
          output.err(
            "warning: the password is the well-known default, which protects nothing: " +
              "give a new one\n",
          );
        }
        return 0;
      } catch (error) {
        if (!(error instanceof KmsDbError)) throw error;
        throw new ExitError(exitCodeOf(error), error.message, { cause: error });
      }
    },
  };
}

function readFormat(value: unknown): KmsDbFormat {
  if (value === undefined || value === "strong") return "strong";
  if (value === "upstream") return value;
  throw new ExitError(2, `Cannot use --to "${value}": it must be "strong" or "upstream"`);
}

/** Never from the command line, which other users of the machine can read. */
async function findNewPassword(options: CommandValues): Promise<FoundSecret | null> {
  const { newKeyFile } = options;
  if (options.askNewKey === true) {
    const questions = ["New password of the key database: ", "The same again: "];
    const [value = "", again] = await askSecrets(questions);
    if (value !== again) {
      throw new ExitError(1, "Cannot use the new password: it was typed twice differently");
    }
    return { value, source: "the terminal", isExposed: false };
  }
  return findSecretOutside({
    file: typeof newKeyFile === "string" ? newKeyFile : null,
    credential: "kms_new_db_key",
    variable: "CITA_CLOUD_KMS_NEW_DB_KEY",
  });
}

function warnOfExposure(found: FoundSecret | null, output: Output): void {
  const exposure = found === null ? null : exposureOf(found);
  if (exposure !== null) output.err(`warning: ${exposure}\n`);
}

interface Report {
  readonly config: KmsConfig;
  readonly to: KmsDbFormat;
  readonly migration: Migration | null;
}

function report(output: Output, { config, to, migration }: Report): void {
  const path = config.db_path;
  if (migration === null) {
    output.out(`${path} is in the ${to} format already and no new password is given: unchanged\n`);
    return;
  }
  const { from, accounts, backupPath, isOverwritten } = migration;
  const change = from === to ? `kept in the ${to} format` : `converted from ${from} to ${to}`;
  output.out(`${path}: ${change}, ${accounts.length} accounts read back and checked\n`);
  for (const { keyId, address, description } of accounts) {
    output.out(`  key_id ${keyId}  ${to0xHex(address)}  ${JSON.stringify(description)}\n`);
  }
  if (backupPath !== null) {
    output.out(`the old file is kept: ${backupPath}\n`);
  } else if (isOverwritten) {
    output.out(
      "the old file was overwritten and removed, as far as the disk obeys: snapshots, " +
        "backups and copies of it still hold the keys as before\n",
    );
  } else {
    output.out("the old file has another hard link and was not overwritten\n");
  }
}
