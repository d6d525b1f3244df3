import { roundOfProof } from "../../shared/block/mod.ts";
import { to0xHex } from "../../shared/bytes/mod.ts";
import { connect, RpcFault } from "../../shared/rpc/mod.ts";
import { RPCServiceService } from "../../proto/gen/controller.ts";

/** Last block of a node, and whom the node knows. */
export interface ChainTip {
  readonly height: bigint;
  /** With `0x`. */
  readonly hash: string;
  /** Consensus round that decided the block; null where the controller does not tell. */
  readonly round: bigint | null;
  /** Transactions in the block. */
  readonly txs: number;
  readonly peers: bigint;
  /** Why no block is being made, `none` while blocks come; null when the controller has no metrics. */
  readonly stall: string | null;
}

/** Where a controller answers. */
export interface ProbedPorts {
  readonly controller: number;
  readonly metrics: number | null;
}

const DEADLINE_MS = 2_000;

/** The series of the reason that applies (docs/operations.md). */
const STALL_REASON = /^cita_cloud_controller_stall_reason\{reason="(\w+)"\} 1$/m;

/** Asks one controller again and again. */
export class Probe {
  readonly #client;
  readonly #metricsPort: number | null;

  constructor({ controller: port, metrics }: ProbedPorts) {
    this.#metricsPort = metrics;
    this.#client = connect(RPCServiceService, {
      port,
      deadlineMs: DEADLINE_MS,
      clientName: "devnet",
    });
  }

  /** The node's last block; null when the controller does not answer. */
  async tip(): Promise<ChainTip | null> {
    try {
      const { blockNumber: height } = await this.#client.getBlockNumber({ flag: false });
      const [{ hash }, block, { peerCount: peers }, round, stall] = await Promise.all([
        this.#client.getBlockHash({ blockNumber: height }),
        this.#client.getBlockByNumber({ blockNumber: height }),
        this.#client.getPeerCount({}),
        this.#round(height),
        this.#stall(),
      ]);
      const txs = block.body?.txHashes.length ?? 0;
      return { height, hash: to0xHex(hash), round, txs, peers, stall };
    } catch (error) {
      if (error instanceof RpcFault) return null;
      throw error;
    }
  }

  async #round(height: bigint): Promise<bigint | null> {
    try {
      const { proof } = await this.#client.getProofByNumber({ blockNumber: height });
      return roundOfProof(proof);
    } catch (error) {
      if (error instanceof RpcFault) return null; // a 6.3.3 controller has no such call
      throw error;
    }
  }

  async #stall(): Promise<string | null> {
    if (this.#metricsPort === null) return null;
    const url = `http://127.0.0.1:${this.#metricsPort}/metrics`;
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
      return STALL_REASON.exec(await answer.text())?.[1] ?? null;
    } catch (error) {
      if (error instanceof TypeError || error instanceof DOMException) return null; // away, too slow
      throw error;
    }
  }

  close(): void {
    this.#client.close();
  }
}
