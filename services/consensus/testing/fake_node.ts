/** The services around consensus, in the process of a test. */

import assert from "node:assert/strict";
import { Consensus2ControllerServiceService } from "../../../proto/gen/controller.ts";
import { ConsensusServiceService } from "../../../proto/gen/consensus.ts";
import { type NetworkMsg, NetworkServiceService } from "../../../proto/gen/network.ts";
import type { ProposalWithProof } from "../../../proto/gen/common.ts";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { connect, grpcService, type RpcServer, serveGrpc } from "../../../shared/rpc/mod.ts";

/** The status of a success. */
export const OK = { code: 0 };

/** Resolves once a condition holds that other services bring about. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const endMs = SYSTEM_CLOCK.monotonicMs() + 15_000;
  while (!isTrue()) {
    assert(SYSTEM_CLOCK.monotonicMs() < endMs, `waited in vain for ${what}`);
    await SYSTEM_CLOCK.sleep(5);
  }
}

/** Serves on a port of this host. */
export function serve(port: number, service: ReturnType<typeof grpcService>): Promise<RpcServer> {
  return serveGrpc({ host: "127.0.0.1", port, services: [service], log: SILENT_LOGGER });
}

/** The services around consensus on a one-node chain; each can be away. */
export class FakeNode {
  readonly blocks: ProposalWithProof[] = [];
  readonly sent: NetworkMsg[] = [];
  registrations = 0;
  isQueryExact = true;

  constructor(
    readonly own: Bytes,
    readonly ports: { network: number; controller: number; consensus: number },
  ) {}

  network(): Promise<RpcServer> {
    const unused = () => Promise.reject(new Error("not used by consensus"));
    const service = grpcService(NetworkServiceService, {
      registerNetworkMsgHandler: ({ moduleName, hostname, port }) => {
        assert.deepEqual([moduleName, hostname], ["consensus", "127.0.0.1"]);
        assert.equal(port, `${this.ports.consensus}`);
        this.registrations++;
        return Promise.resolve(OK);
      },
      broadcast: (message) => this.#take(message),
      sendMsg: (message) => this.#take(message),
      getNetworkStatus: unused,
      addNode: unused,
      getPeersNetInfo: unused,
    });
    return serve(this.ports.network, service);
  }

  controller(): Promise<RpcServer> {
    const service = grpcService(Consensus2ControllerServiceService, {
      getProposal: () =>
        Promise.resolve({
          status: { code: 109 },
          proposal: { height: this.height + 1n, data: fromHex(`${10n + this.height}`) },
        }),
      checkProposal: () => Promise.resolve(OK),
      commitBlock: (block) => {
        const height = block.proposal?.height ?? 0n;
        if (height > this.height + 1n) return Promise.resolve(this.#answerQuery(height));
        if (height === this.height + 1n) this.blocks.push(block);
        return Promise.resolve({ status: OK, config: this.#config(height) });
      },
    });
    return serve(this.ports.controller, service);
  }

  get height(): bigint {
    return BigInt(this.blocks.length);
  }

  /** As 6.7 answers a question for its state, or as 6.3.3 refuses a height out of reach. */
  #answerQuery(height: bigint) {
    if (this.isQueryExact) return { status: OK, config: this.#config(this.height) };
    return { status: { code: 128 }, config: this.#config(height) };
  }

  #config(height: bigint) {
    return { height, blockInterval: 1, validators: [this.own] };
  }

  reconfigure(): Promise<{ code: number }> {
    const consensus = connect(ConsensusServiceService, { port: this.ports.consensus });
    return consensus.reconfigure(this.#config(this.height)).finally(() => consensus.close());
  }

  #take(message: NetworkMsg): Promise<{ code: number }> {
    this.sent.push(message);
    return Promise.resolve(OK);
  }
}
