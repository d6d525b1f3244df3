import { isIPv4, isIPv6 } from "node:net";
import { type Bytes, concatBytes, fromHex } from "../../../shared/bytes/mod.ts";
import { Argument, type Program, unsignedInteger } from "../../../shared/cli/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { InSession } from "../command.ts";
import type { Session } from "../session.ts";
import { sendTransaction } from "../transactions.ts";
import { parseAddress } from "../values.ts";
import { addSendOptions, type SendOptions } from "./send.ts";

const U16_MAX = 2 ** 16 - 1;

/** Transactions to this address store an ABI (spec/cldi.md, section 7). */
const STORE_ABI_ADDRESS = fromHex("ffffffffffffffffffffffffffffffffff010001");

/** Adds `rpc` and its commands (spec/cldi.md, sections 7 and 9). */
export function addRpcCommands(program: Program, inSession: InSession): void {
  const rpc = program.command("rpc").description("Other RPC commands");
  rpc.command("add-node").description("call add-node rpc")
    .addArgument(new Argument("<host>", "the host of the node"))
    .addArgument(
      new Argument("<port>", "the network port of the node").argParser(unsignedInteger(U16_MAX)),
    )
    .addArgument(new Argument("[tls]", "the tls domain of the node"))
    .action(inSession(addNode));
  addSendOptions(
    rpc.command("store-abi").description("Store EVM contract ABI")
      .addArgument(new Argument("<addr>", "the contract").argParser(parseAddress))
      .addArgument(new Argument("<abi>", "the ABI as JSON")),
  ).action(inSession((session, address: Bytes, abi: string, options: SendOptions) => {
    const data = concatBytes(address, new TextEncoder().encode(abi));
    const value = new Uint8Array(32);
    return sendTransaction(session, { to: STORE_ABI_ADDRESS, data, value, ...options });
  }));
}

async function addNode(
  session: Session,
  host: string,
  port: number,
  tls: string | undefined,
): Promise<void> {
  const protocol = isIPv4(host) ? "ip4" : isIPv6(host) ? "ip6" : "dns4";
  const domain = tls === undefined ? "" : `/tls/${tls}`;
  const multiAddress = `/${protocol}/${host}/tcp/${port}${domain}`;
  const { code } = await session.controller.addNode({ multiAddress, origin: 0n });
  session.print(
    code === StatusCode.Success
      ? "Success"
      : `Failed with status code: \`${code}\`, please check controler's log`,
  );
}
