import { runService } from "../../shared/service/mod.ts";
import { EVM_COMMANDS } from "./evm/commands/commands.ts";
import { EVM_TABLE } from "./evm/config.ts";
import { startEvm } from "./evm/start.ts";

await runService({
  role: "executor",
  about: "Supply evm interpreter",
  flavours: {
    executor_evm: {
      table: EVM_TABLE,
      homepage: "https://github.com/cita-cloud/executor_evm",
      versionText: "CITA-CLOUD EVM EXECUTOR 6.3.3",
      textWithoutCommand: "",
      start: startEvm,
      commands: EVM_COMMANDS,
    },
  },
});
