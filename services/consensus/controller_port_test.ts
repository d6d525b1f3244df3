import assert from "node:assert/strict";
import { type ProposalResponse } from "../../proto/gen/common.ts";
import { Consensus2ControllerServiceService } from "../../proto/gen/controller.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import { connectController } from "./controller_port.ts";

const PROPOSAL = { height: 7n, data: Uint8Array.of(1) };

/** What the port makes of an answer to GetProposal. */
async function outcomeOf(response: ProposalResponse) {
  const unused = () => Promise.reject(new Error("not asked"));
  const service = grpcService(Consensus2ControllerServiceService, {
    getProposal: () => Promise.resolve(response),
    checkProposal: unused,
    commitBlock: unused,
  });
  const log = SILENT_LOGGER;
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services: [service], log });
  const controller = connectController(server.port, log);
  try {
    return await controller.getProposal();
  } finally {
    controller.close();
    await server.close();
  }
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
