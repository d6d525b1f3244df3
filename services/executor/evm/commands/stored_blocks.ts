import { Block } from "../../../../proto/gen/blockchain.ts";
import { Regions, StorageServiceService } from "../../../../proto/gen/storage.ts";
import { u64be } from "../../../../shared/bytes/mod.ts";
import { ExitError } from "../../../../shared/cli/mod.ts";
import { tryDecode } from "../../../../shared/codec/mod.ts";
import { connect, RpcFault } from "../../../../shared/rpc/mod.ts";
import { codeOf, StatusCode, statusName } from "../../../../shared/status/mod.ts";

/** Where a storage listens. */
export interface StorageAddress {
  readonly host: string;
  readonly port: number;
}

/** The blocks of a chain; disposal ends the connection. */
export interface StoredBlocks extends Disposable {
  /** The full block of a height; an `ExitError` when it cannot be had. */
  at(height: bigint): Promise<Block>;
}

/** A large block is put together by the storage from many records. */
const LOAD_DEADLINE_MS = 120_000;

/** The blocks in a storage, as the controller reads them (spec/protocol.md, section 10). */
export function connectStorage({ host, port }: StorageAddress): StoredBlocks {
  const client = connect(StorageServiceService, { host, port, clientName: "executor" });
  const place = `storage at ${host}:${port}`;
  return {
    async at(height) {
      const failed = (reason: string) =>
        new ExitError(1, `Cannot read block ${height} from the ${place}: ${reason}`);
      const request = { region: Regions.FULL_BLOCK, key: u64be(height) };
      try {
        const { status, value } = await client.load(request, { deadlineMs: LOAD_DEADLINE_MS });
        const code = codeOf(status);
        if (code !== StatusCode.Success) throw failed(`it answers ${statusName(code)}`);
        const block = tryDecode(Block, value);
        if (block === null) throw failed("it cannot be decoded");
        return block;
      } catch (cause) {
        if (cause instanceof RpcFault) throw failed(cause.details);
        throw cause;
      }
    },
    [Symbol.dispose]: () => client.close(),
  };
}
