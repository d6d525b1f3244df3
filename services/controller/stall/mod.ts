/**
 * Why no block is being made: from what a node knows to one sentence for its operator.
 *
 * @module
 */

export { diagnose, type Diagnosis, STALL_REASONS, type StallReason } from "./diagnose.ts";
export {
  type CallAge,
  CONSENSUS_CALLS,
  type ConsensusCall,
  type Neighbour,
  NEIGHBOURS,
  type StallFacts,
  type ValidatorView,
} from "./facts.ts";
