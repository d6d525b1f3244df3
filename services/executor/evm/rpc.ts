import type { AccountRequest, RPCServiceService } from "../../../proto/gen/evm.ts";
import { HASH_SIZE } from "../../../shared/block/mod.ts";
import { type Bytes, to0xHex, uintToBytes } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { type Handlers, RpcCode, RpcError } from "../../../shared/rpc/mod.ts";
import { checkSize, FieldError } from "../fields.ts";
import { answerRefusals, RefusedError } from "../service.ts";
import { type BlockLabel, findHeader } from "./chain/block_number.ts";
import type { Chain } from "./chain/chain.ts";
import {
  findAbi,
  findBalance,
  findCode,
  findNonce,
  findReceipt,
  findReceiptProof,
  findSlot,
  rootsOf,
} from "./chain/query.ts";
import type { EvmExecutor } from "./executor.ts";
import { readAccountRequest, readBlockNumber, readSlotRequest } from "./requests.ts";
import type { CommittedState } from "./state/committed_state.ts";

/** What the handlers work with. */
export interface EvmRpcDeps {
  readonly executor: EvmExecutor;
  readonly log: Logger;
}

/**
 * gRPC face of `evm.RPCService` (spec/executor_evm.md, 3.2), with what clients of 6.7 ask (section
 * 16; messages and texts are those of cita_cloud_proto and executor_evm 6.7).
 */
export function evmRpcHandlers({ executor, log }: EvmRpcDeps): Handlers<typeof RPCServiceService> {
  /** An answer of null, or a state that cannot be read, is told by that text. */
  const answerOf = <Answer>(failure: string, ask: () => Promise<Answer | null>) =>
    answerRefusals(async () => {
      let found: Answer | null;
      try {
        found = await ask();
      } catch (cause) {
        if (cause instanceof FieldError || cause instanceof RefusedError) throw cause;
        log.warn(failure, { cause });
        throw new RpcError(RpcCode.InvalidArgument, failure, { cause });
      }
      if (found === null) throw new RpcError(RpcCode.InvalidArgument, failure);
      return found;
    });

  const answer = <Answer>(failure: string, query: (chain: Chain) => Answer | null) =>
    answerOf(failure, () => executor.read(query));

  /** Reads from the state after a block, null for a block that was not executed. */
  const inState = (
    failure: string,
    block: BlockLabel | null,
    find: (state: CommittedState) => Bytes,
  ) =>
    answer(failure, (chain) => {
      const header = block === null ? chain.header : findHeader(chain, block);
      return header === null ? null : find(chain.stateAfter(header));
    });

  const ofAccount = (
    name: string,
    find: (state: CommittedState, address: Bytes) => Bytes,
    request: AccountRequest,
  ) =>
    answerRefusals(() => {
      const { address, block } = readAccountRequest(request);
      return inState(`Not get the ${name}`, block, (state) => find(state, address));
    });

  return {
    async getTransactionReceipt({ hash }) {
      const found = await answer("Not get the receipt", (chain) => {
        checkSize("hash", hash, HASH_SIZE);
        return findReceipt(chain, hash);
      });
      if (found.hasOverflow) {
        log.warn(`Occur arithmetic overflow when compute ${to0xHex(hash)} quota use.`);
      }
      return found.receipt;
    },

    getReceiptProof: ({ hash }) =>
      answer("Not get the receipt proof", (chain) => {
        checkSize("hash", hash, HASH_SIZE);
        return findReceiptProof(chain, hash);
      }),

    async getRootsInfo(request) {
      const block = readBlockNumber(request);
      return await answer("Not get the roots info", (chain) => {
        const header = findHeader(chain, block);
        return header === null ? null : rootsOf(header);
      });
    },

    getCode: async (request) => ({ byteCode: await ofAccount("bytecode", findCode, request) }),

    getBalance: async (request) => ({ value: await ofAccount("balance", findBalance, request) }),

    getTransactionCount: async (request) => ({
      nonce: await ofAccount("nonce", findNonce, request),
    }),

    getAbi: async (request) => ({ bytesAbi: await ofAccount("abi", findAbi, request) }),

    getStorageAt: (request) =>
      answerRefusals(async () => {
        const { address, position, block } = readSlotRequest(request);
        const find = (state: CommittedState) => findSlot(state, address, position);
        return { hash: await inState("Not storage slot info", block, find) };
      }),

    async estimateQuota(request, caller) {
      const estimate = () => executor.estimateQuota(request, caller);
      return { bytesQuota: uintToBytes(await answerOf("estimate quota failed", estimate), 32) };
    },
  };
}
