import assert from "node:assert/strict";
import type { ConsensusConfigurationResponse, ProposalResponse } from "../../proto/gen/common.ts";
import { Consensus2ControllerServiceService } from "../../proto/gen/controller.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import { connectController, type ControllerPort } from "./controller_port.ts";

const PROPOSAL = { height: 7n, data: Uint8Array.of(1) };

/** Answers of a controller, each time the next one; the last one stays. */
interface Answers {
  readonly proposals?: readonly ProposalResponse[];
  readonly configurations?: readonly ConsensusConfigurationResponse[];
}

function inTurn<Answer>(answers: readonly Answer[]): () => Promise<Answer> {
  let count = 0;
  return () => {
    const answer = answers[Math.min(count++, answers.length - 1)];
    return answer === undefined ? Promise.reject(new Error("not asked")) : Promise.resolve(answer);
  };
}

async function withController<Result>(
  { proposals = [], configurations = [] }: Answers,
  use: (controller: ControllerPort) => Promise<Result>,
): Promise<Result> {
  const service = grpcService(Consensus2ControllerServiceService, {
    getProposal: inTurn(proposals),
    checkProposal: () => Promise.reject(new Error("not asked")),
    commitBlock: inTurn(configurations),
  });
  const log = SILENT_LOGGER;
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services: [service], log });
  const controller = connectController(server.port, log);
  try {
    return await use(controller);
  } finally {
    controller.close();
    await server.close();
  }
}

/** What the port makes of an answer to GetProposal. */
function outcomeOf(response: ProposalResponse) {
  return withController({ proposals: [response] }, (controller) => controller.getProposal());
}

Deno.test("a proposal is taken with the statuses of a block and of an empty one only", async () => {
  for (const code of [0, 109]) {
    const { value } = await outcomeOf({ status: { code }, proposal: PROPOSAL });
    assert.deepEqual(value, PROPOSAL);
  }
  const refused = { status: { code: 139 }, proposal: PROPOSAL };
  assert.deepEqual(await outcomeOf(refused), { value: null, reason: "NodeInSyncMode" });
  const nameless = await outcomeOf({ status: undefined, proposal: PROPOSAL });
  assert.equal(nameless.value, null);
  const empty = await outcomeOf({ status: { code: 0 }, proposal: undefined });
  assert.deepEqual(empty, { value: null, reason: "it sent no proposal" });
});

/** An answer to the question for the configuration, of the controller of 6.3.3 if it is refused. */
function configured(code: number, height: bigint, validator: number) {
  const config = { height, blockInterval: 3, validators: [new Uint8Array(20).fill(validator)] };
  return { status: { code }, config };
}

Deno.test("a controller that accepts the question tells its height with the configuration", async () => {
  const answer = configured(0, 41n, 1);
  const configurations = [answer];
  const told = await withController({ configurations }, (port) => port.queryConfiguration());
  assert.deepEqual(told, answer.config);
});

Deno.test("a controller of 6.3.3 tells its height by its next proposal", async () => {
  const answer = configured(128, 0n, 1);
  const answers = {
    configurations: [answer],
    proposals: [{ status: { code: 109 }, proposal: PROPOSAL }],
  };
  const told = await withController(answers, (port) => port.queryConfiguration());
  assert.deepEqual(told, { ...answer.config, height: 6n });
});

Deno.test("validators that change between the answers belong to no height", async () => {
  const answers = {
    configurations: [configured(128, 0n, 1), configured(128, 0n, 2)],
    proposals: [{ status: { code: 0 }, proposal: PROPOSAL }],
  };
  const told = await withController(answers, (port) => port.queryConfiguration());
  assert.equal(told, null);
});
