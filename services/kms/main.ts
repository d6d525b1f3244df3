import { runService } from "../../shared/service/mod.ts";
import type { KMS_KEYS } from "./config.ts";
import { KMS_ETH_TABLE } from "./eth/config.ts";
import { startKms } from "./start.ts";
import { KMS_SM_TABLE } from "./sm/config.ts";
import { speedCommand } from "./speed/command.ts";

await runService({
  role: "kms",
  about: "Keeps the keys of a node: hashes, signs, and checks signatures.",
  flavours: {
    kms_sm: {
      table: KMS_SM_TABLE,
      homepage: "https://github.com/cita-cloud/kms_sm",
      start: (context) => startKms("sm", context),
      commands: { speed: speedCommand<typeof KMS_KEYS>("sm") },
    },
    kms_eth: {
      table: KMS_ETH_TABLE,
      homepage: "https://github.com/cita-cloud/kms_eth",
      start: (context) => startKms("eth", context),
      commands: { speed: speedCommand<typeof KMS_KEYS>("eth") },
    },
  },
});
