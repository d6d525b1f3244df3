import { RPCServiceService } from "../../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../../proto/gen/executor.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { connect, type RpcClient } from "../../../shared/rpc/mod.ts";
import { EVM_TABLE, type EvmConfig } from "../evm/config.ts";
import { startEvm } from "../evm/start.ts";

/** An executor on a port of its own, and clients of both its services. */
export interface ServedExecutor extends AsyncDisposable {
  readonly port: number;
  readonly executor: RpcClient<typeof ExecutorServiceService>;
  readonly queries: RpcClient<typeof RPCServiceService>;
}

/** Serves the executor of a data folder, through the code that the executable runs. */
export async function serveExecutor(
  { path, isEthCompatible = false, keys = {} }: {
    readonly path: string;
    readonly isEthCompatible?: boolean;
    /** Further keys of its configuration. */
    readonly keys?: Partial<EvmConfig>;
  },
): Promise<ServedExecutor> {
  const config = {
    ...readTable(EVM_TABLE, parseDocument("[executor_evm]", "config.toml")),
    executor_port: 0,
    db_path: path,
    eth_compatibility: isEthCompatible,
    ...keys,
  };
  const running = await startEvm({ config, log: SILENT_LOGGER, clock: SYSTEM_CLOCK });
  const { port } = running;
  const executor = connect(ExecutorServiceService, { port });
  const queries = connect(RPCServiceService, { port });
  return {
    port,
    executor,
    queries,
    async [Symbol.asyncDispose]() {
      executor.close();
      queries.close();
      await running.stop();
    },
  };
}
