/**
 * The controller of a node: transactions, blocks, peers (spec/controller.md).
 *
 * @module
 */

import { runService } from "../../shared/service/mod.ts";
import { CONTROLLER_TABLE } from "./config.ts";
import { startController } from "./service.ts";

await runService({
  role: "controller",
  about: "The hub of a CITA-Cloud node: transactions, blocks, system configuration, peers",
  flavours: {
    controller: {
      table: CONTROLLER_TABLE,
      homepage: "https://github.com/cita-cloud/controller",
      start: startController,
    },
  },
});
