import type { ServiceMetrics } from "../../../shared/service/mod.ts";
import type { CoreView } from "./core/core.ts";
import { leaderOf } from "./core/validators.ts";

/** Shows what a validator is doing (docs/consensus.md). */
export function showValidator(metrics: ServiceMetrics, core: CoreView): void {
  const isValidator = () => core.validators.includes(core.own);
  metrics.addGauges({
    height: ["Height that is being decided", () => core.isRunning ? Number(core.height) : null],
    round: ["Round of that height", () => core.isRunning ? Number(core.round) : null],
    is_leader: ["Whether this node leads the round", () => {
      return Number(core.isRunning && leaderOf(core.validators, core) === core.own);
    }],
    is_validator: ["Whether this node decides on blocks", () => Number(isValidator())],
    validators: ["Nodes that do", () => core.validators.length],
  });
  metrics.addCounters({
    failed_rounds: [
      "Rounds begun because the one before brought no block",
      () => core.failedRounds,
    ],
    equivocations: [
      "Times that a validator signed two things that exclude each other",
      () =>
        Array.from(core.evidence.counts, ([address, value]) => {
          return { labels: { validator: `0x${address}` }, value };
        }),
      "validator",
    ],
  });
}
