import type { ConfigTable } from "../../shared/config/mod.ts";
import type { SuiteName } from "../../shared/crypto/mod.ts";
import { CONSOLE_LOG } from "../../shared/log/mod.ts";
import type { Flavour } from "../../shared/service/mod.ts";
import type { CRYPTO_KEYS, KMS_KEYS } from "./config.ts";
import { migrateCommand } from "./migrate.ts";
import { speedCommand } from "./speed/command.ts";
import { startCrypto, startKms } from "./start.ts";

const PRIVATE_KEY_PATH = "private_key";

/** A kms of 6.3 with its key database. */
export function kmsFlavour(
  suiteName: SuiteName,
  table: ConfigTable<typeof KMS_KEYS>,
): Flavour<typeof KMS_KEYS> {
  return {
    table,
    homepage: `https://github.com/cita-cloud/${table.name}`,
    start: (context) => startKms(suiteName, context),
    commands: { migrate: migrateCommand(suiteName), speed: speedCommand(suiteName) },
  };
}

/** The crypto service of 6.5 and later with its private key file. */
export function cryptoFlavour(
  suiteName: SuiteName,
  table: ConfigTable<typeof CRYPTO_KEYS>,
): Flavour<typeof CRYPTO_KEYS> {
  return {
    table,
    homepage: `https://github.com/cita-cloud/${table.name}`,
    commands: { speed: speedCommand(suiteName) },
    plainLog: () => CONSOLE_LOG,
    runOptions: [[
      "-p, --private_key_path <path>",
      `the file with the private key, for [crypto_*] only [default: ${PRIVATE_KEY_PATH}]`,
    ]],
    start(context) {
      const { private_key_path: given } = context.options;
      const privateKeyPath = typeof given === "string" ? given : PRIVATE_KEY_PATH;
      return startCrypto(suiteName, { ...context, privateKeyPath });
    },
  };
}
