import { type Bytes, EMPTY_BYTES } from "../../../shared/bytes/mod.ts";
import { Argument, Option, type Program, unsignedLong } from "../../../shared/cli/mod.ts";
import { inContext } from "../errors.ts";
import type { InSession } from "../command.ts";
import { sendTransaction } from "../transactions.ts";
import { parseAddress, parseData, parsePosition, parseValue, type Position } from "../values.ts";

/** Options of every command that sends a transaction. */
export interface SendOptions {
  readonly quota: bigint;
  readonly until: Position;
}

type ValueOptions = SendOptions & { readonly value: Bytes };

const DEFAULT_QUOTA = 3_000_000n;
const DEFAULT_UNTIL = "+95";

/** `-q` and `--until`, the same for every command that sends a transaction. */
export function addSendOptions(command: Program): Program {
  return command
    .addOption(
      new Option("-q, --quota <quota>", "the quota of the tx")
        .argParser(unsignedLong).default(DEFAULT_QUOTA, String(DEFAULT_QUOTA)),
    )
    .addOption(
      new Option(
        "--until <valid-until-block>",
        "the tx is valid until the given block height; `+h` means `<current-height> + h`",
      ).argParser(parsePosition).default(parsePosition(DEFAULT_UNTIL), DEFAULT_UNTIL),
    );
}

function addValueOption(command: Program): Program {
  return command.addOption(
    new Option("-v, --value <value>", "the value of the tx, in hex")
      .argParser(parseValue).default(parseValue("0x0"), "0x0"),
  );
}

/** Adds `send`, `call` and `create` (spec/cldi.md, sections 6 and 7). */
export function addSendCommands(program: Program, inSession: InSession): void {
  const send = program.command("send").description("Send transaction")
    .addArgument(new Argument("<to>", "the target address of the tx").argParser(parseAddress))
    .addArgument(new Argument("[data]", "the data of the tx").argParser(parseData));
  addSendOptions(addValueOption(send)).action(
    inSession((session, to: Bytes, data: Bytes | undefined, options: ValueOptions) =>
      sendTransaction(session, { to, data: data ?? EMPTY_BYTES, ...options })
    ),
  );
  program.command("call").description("Call executor")
    .addArgument(new Argument("<to>", "the target contract").argParser(parseAddress))
    .addArgument(new Argument("<data>", "the call data").argParser(parseData))
    .addOption(
      new Option("-f, --from <from>", "the caller; the current account by default")
        .argParser(parseAddress),
    )
    .action(inSession(async (session, to: Bytes, method: Bytes, options: { from?: Bytes }) => {
      const from = options.from ?? session.currentAccount().address;
      const request = { to, from, method, args: [], height: 0n };
      const { value } = await inContext(
        "failed to do executor gRPC call",
        () => session.executor.call(request),
      );
      session.printHex(value);
    }));
  const create = program.command("create").description("create an EVM contract")
    .addArgument(new Argument("<data>", "the creation code").argParser(parseData));
  addSendOptions(addValueOption(create)).action(
    inSession((session, data: Bytes, options: ValueOptions) =>
      sendTransaction(session, { to: EMPTY_BYTES, data, ...options })
    ),
  );
}
