import { ConsensusServiceService } from "../../proto/gen/consensus.ts";
import type { ConsensusConfiguration, ProposalWithProof } from "../../proto/gen/common.ts";
import { type NetworkMsg, NetworkMsgHandlerServiceService } from "../../proto/gen/network.ts";
import { type GrpcService, grpcService, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { CONSENSUS_MODULE } from "./network_port.ts";

/** What every flavour of consensus does; both orders are taken in the order of the calls. */
export interface Consensus {
  /** Takes over a configuration; answered before it is looked at (spec/consensus.md, 1.1). */
  reconfigure(configuration: ConsensusConfiguration): void;
  /** Judges the proof of a block with every earlier configuration applied. */
  checkBlock(request: ProposalWithProof): Promise<StatusCode>;
  /** Takes a message of another node, of whatever type and content. */
  deliver(message: NetworkMsg): void;
  /** How many of those were lost, since this node was too busy. */
  readonly droppedMessages: number;
}

/** gRPC face of consensus: decides nothing itself. */
export function consensusServices(consensus: Consensus): GrpcService[] {
  return [
    grpcService(ConsensusServiceService, {
      reconfigure(configuration) {
        consensus.reconfigure(configuration);
        return Promise.resolve({ code: StatusCode.Success });
      },
      async checkBlock(request) {
        return { code: await consensus.checkBlock(request) };
      },
    }),
    grpcService(NetworkMsgHandlerServiceService, {
      processNetworkMsg(message) {
        if (message.module !== CONSENSUS_MODULE) {
          throw new RpcError(RpcCode.InvalidArgument, "wrong module");
        }
        consensus.deliver(message);
        return Promise.resolve({ code: StatusCode.Success });
      },
    }),
  ];
}
