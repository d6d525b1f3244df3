import { type Bytes, concatBytes, EMPTY_BYTES, u32be } from "../../../shared/bytes/mod.ts";
import { Argument, type Program, unsignedInteger } from "../../../shared/cli/mod.ts";
import { inContext } from "../errors.ts";
import type { InSession } from "../command.ts";
import type { Session } from "../session.ts";
import { type ConfigChange, sendConfigChange } from "../transactions.ts";
import { parseAddress } from "../values.ts";

const U32_MAX = 2 ** 32 - 1;

/** Adds `admin` and its commands (spec/cldi.md, section 8). */
export function addAdminCommands(program: Program, inSession: InSession): void {
  const admin = program.command("admin").description("The admin commands for managing chain");
  const send = (session: Session, name: string, change: ConfigChange) =>
    inContext(`failed to send \`${name}\` utxo`, () => sendConfigChange(session, change));
  admin.command("update-admin").description("Update admin of the chain")
    .addArgument(new Argument("<admin>", "the address of the new admin").argParser(parseAddress))
    .action(inSession((session, output: Bytes) =>
      send(session, "update_admin", {
        lockId: 1002n,
        output,
        preTxHash: (config) => config.adminPreHash,
      })
    ));
  admin.command("update-validators").description("Update validators of the chain")
    .addArgument(
      new Argument("<validators...>", "the addresses of all validators").argParser(
        (text, previous: Bytes[] | undefined) => [...previous ?? [], parseAddress(text)],
      ),
    )
    .action(inSession((session, validators: Bytes[]) =>
      send(session, "update_validators", {
        lockId: 1004n,
        output: concatBytes(...validators),
        preTxHash: (config) => config.validatorsPreHash,
      })
    ));
  admin.command("set-block-interval").description("Set block interval")
    .addArgument(
      new Argument("<block_interval>", "seconds between blocks")
        .argParser(unsignedInteger(U32_MAX)),
    )
    .action(inSession((session, seconds: number) =>
      send(session, "set_block_interval", {
        lockId: 1003n,
        output: u32be(seconds),
        preTxHash: (config) => config.blockIntervalPreHash,
      })
    ));
  admin.command("emergency-brake").description("Send emergency brake cmd to chain")
    .addArgument(new Argument("<switch>", "turn on/off").choices(["on", "off"]))
    .action(inSession((session, position: string) =>
      send(session, "emergency_brake", {
        lockId: 1005n,
        output: position === "on" ? new Uint8Array(1) : EMPTY_BYTES,
        preTxHash: (config) => config.emergencyBrakePreHash,
      })
    ));
}
