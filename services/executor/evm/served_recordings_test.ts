import assert from "node:assert/strict";
import { HashResponse } from "../../../proto/gen/common.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { connectRaw, RpcFault } from "../../../shared/rpc/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { serveExecutor } from "../testing/served_executor.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { readVector, type RecordedChain, type RecordedExecutor } from "../testing/vectors.ts";

const EXEC = "/executor.ExecutorService/Exec";
const RECEIPT = "/evm.RPCService/GetTransactionReceipt";

/** Sends bytes to an executor and gives those of the answer, or the gRPC status. */
type Send = (path: string, requestHex: string) => Promise<string>;

async function withServedExecutor(
  options: { path: string; isEthCompatible?: boolean },
  use: (send: Send) => Promise<void>,
): Promise<void> {
  await using served = await serveExecutor(options);
  const client = connectRaw({ port: served.port });
  try {
    await use(async (path, requestHex) => {
      try {
        return toHex(await client.call(path, fromHex(requestHex)));
      } catch (error) {
        if (error instanceof RpcFault) return `${error.code} ${error.details}`;
        throw error;
      }
    });
  } finally {
    client.close();
  }
}

/** A recorded answer as {@linkcode Send} gives it. */
function recordedAnswer(
  { hex, error }: { hex: string | undefined; error: { code: number; details: string } | undefined },
): string {
  return error === undefined ? hex ?? "" : `${error.code} ${error.details}`;
}

/** The reference ends its process on some blocks; ours answers that it did not execute them. */
function assertRefused(answer: string, label: string): void {
  const { status, hash } = decode(HashResponse, fromHex(answer));
  assert.equal(status?.code, StatusCode.ReenterInvalidBlock, label);
  assert.equal(hash, undefined, label);
}

async function replay(send: Send, { blocks, calls }: RecordedExecutor): Promise<void> {
  const ask = async (height: number) => {
    for (const call of calls.filter(({ after_height }) => Number(after_height) === height)) {
      const answer = await send(call.method, call.request_hex);
      const expected = recordedAnswer({ hex: call.response_hex, error: call.grpc_error });
      assert.equal(answer, expected, call.label ?? call.method);
    }
  };
  await ask(-1);
  for (const { label, height, block_hex, response_hex, txs } of blocks) {
    const where = label ?? `height ${height}`;
    const answer = await send(EXEC, block_hex);
    if (response_hex === undefined) assertRefused(answer, where);
    else assert.equal(answer, response_hex, where);
    for (const tx of txs) {
      const receipt = await send(RECEIPT, `0a20${tx.tx_hash}`);
      const expected = recordedAnswer({ hex: tx.receipt_hex, error: tx.grpc_error });
      assert.equal(receipt, expected, `${where}, ${tx.label}`);
    }
    await ask(height);
  }
}

for (const [name, isEthCompatible] of [["evm_sm3", false], ["evm_sm3_ethcompat", true]] as const) {
  Deno.test(`the served executor answers every recorded call of ${name} byte for byte`, () =>
    withTempFolder(async (folder) => {
      const recorded = await readVector<RecordedExecutor>(name);
      const options = { path: `${folder}/data`, isEthCompatible };
      await withServedExecutor(options, (send) => replay(send, recorded));
    }));
}

Deno.test("the served executor answers its part of a recorded chain byte for byte, restarted between", () =>
  withTempFolder(async (folder) => {
    const recorded = await readVector<RecordedChain>("chain_single");
    const options = { path: `${folder}/data` };
    const restartAt = recorded.exec.length - 8;
    const replayBlocks = async (send: Send, from: number, to: number) => {
      for (const { request_hex, response_hex } of recorded.exec.slice(from, to)) {
        assert.equal(await send(EXEC, request_hex), response_hex);
      }
    };
    await withServedExecutor(options, (send) => replayBlocks(send, 0, restartAt));
    await withServedExecutor(options, async (send) => {
      await replayBlocks(send, restartAt, recorded.exec.length);
      for (const { tx_hash, receipt_hex, error } of recorded.receipts) {
        const answer = await send(RECEIPT, `0a20${tx_hash}`);
        assert.equal(answer, recordedAnswer({ hex: receipt_hex, error }), tx_hash);
      }
      for (const { label, method, request_hex, response_hex, grpc_error } of recorded.calls) {
        const expected = recordedAnswer({ hex: response_hex, error: grpc_error });
        assert.equal(await send(method, request_hex), expected, label ?? method);
      }
    });
  }));
