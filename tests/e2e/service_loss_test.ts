import assert from "node:assert/strict";
import { fromHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain, ROLES } from "./dev_chain.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

/** Long enough for each of the others to notice that the service is away. */
const AWAY_MS = 1_500;
const RECOVERY_TIMEOUT_MS = 30_000;

Deno.test("a killed service is all that must be started again, on the only node of a chain", async () => {
  await using chain = await DevChain.start({ crypto: "sm", nodes: 1 });
  const sender = await Sender.create(chain);
  for (const role of ROLES) {
    const before = await chain.processIds(0);
    const pid = before.get(role);
    assert(pid !== undefined && before.size === ROLES.length, `all services run before ${role}`);
    Deno.kill(pid, "SIGKILL");
    await SYSTEM_CLOCK.sleep(AWAY_MS);
    await chain.startNode(0);

    const hash = await waitFor(() => sender.send(0), {
      what: `an accepted transaction after ${role} was killed`,
      timeoutMs: RECOVERY_TIMEOUT_MS,
    });
    await waitFor(() => chain.node(0).evm.getTransactionReceipt({ hash: fromHex(hash) }), {
      what: `its receipt after ${role} was killed`,
      timeoutMs: RECOVERY_TIMEOUT_MS,
    });

    const after = await chain.processIds(0);
    const restarted = ROLES.filter((other) => after.get(other) !== before.get(other));
    assert.deepEqual(restarted, [role]);
  }
  const executed = await assertNodesAgree(chain);
  for (const hash of sender.accepted) assert(executed.has(hash), `${hash} is in a block`);
});
