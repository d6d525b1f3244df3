import type { RPCServiceService } from "../../../proto/gen/evm.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../shared/block/mod.ts";
import { type Bytes, to0xHex, uintToBytes } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { type Handlers, RpcCode, RpcError } from "../../../shared/rpc/mod.ts";
import { checkSize, FieldError } from "../fields.ts";
import { answerRefusals, BusyError } from "../service.ts";
import { estimateQuota } from "./chain/call.ts";
import type { Chain } from "./chain/chain.ts";
import { findAbi, findBalance, findCode, findNonce, findReceipt } from "./chain/query.ts";
import type { EvmExecutor } from "./executor.ts";

/** What the handlers work with. */
export interface EvmRpcDeps {
  readonly executor: EvmExecutor;
  readonly log: Logger;
}

/** gRPC face of `evm.RPCService` (spec/executor_evm.md, 3.2). */
export function evmRpcHandlers({ executor, log }: EvmRpcDeps): Handlers<typeof RPCServiceService> {
  /** An answer of null, or a state that cannot be read, is told as `Not get the ...`. */
  const answer = <Answer>(name: string, query: (chain: Chain) => Answer | null) =>
    answerRefusals(async () => {
      let found: Answer | null;
      try {
        found = await executor.read(query);
      } catch (cause) {
        if (cause instanceof FieldError || cause instanceof BusyError) throw cause;
        log.warn(`cannot read the ${name}`, { cause });
        throw new RpcError(RpcCode.InvalidArgument, `Not get the ${name}`, { cause });
      }
      if (found === null) throw new RpcError(RpcCode.InvalidArgument, `Not get the ${name}`);
      return found;
    });

  const ofAccount = (name: string, find: (chain: Chain, address: Bytes) => Bytes, at: Bytes) =>
    answer(name, (chain) => {
      checkSize("address", at, ADDRESS_SIZE);
      return find(chain, at);
    });

  return {
    async getTransactionReceipt({ hash }) {
      const found = await answer("receipt", (chain) => {
        checkSize("hash", hash, HASH_SIZE);
        return findReceipt(chain, hash);
      });
      if (found.hasOverflow) {
        log.warn(`Occur arithmetic overflow when compute ${to0xHex(hash)} quota use.`);
      }
      return found.receipt;
    },

    getCode: async ({ address }) => ({ byteCode: await ofAccount("bytecode", findCode, address) }),

    getBalance: async ({ address }) => ({
      value: await ofAccount("balance", findBalance, address),
    }),

    getTransactionCount: async ({ address }) => ({
      nonce: await ofAccount("nonce", findNonce, address),
    }),

    getAbi: async ({ address }) => ({ bytesAbi: await ofAccount("abi", findAbi, address) }),

    async estimateQuota(request) {
      const quota = await answerRefusals(() =>
        executor.read((chain) => estimateQuota(chain, request))
      );
      if (quota === null) throw new RpcError(RpcCode.InvalidArgument, "estimate quota failed");
      return { bytesQuota: uintToBytes(quota, 32) };
    },
  };
}
