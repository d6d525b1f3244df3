import assert from "node:assert/strict";
import { toHex } from "../../shared/bytes/mod.ts";
import { Admin } from "./admin.ts";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain } from "./dev_chain.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const NODES = 4;
/** Generous: two busy cores run 24 processes. */
const TIMEOUT_MS = 90_000;
const BLOCKS = 3n;

/** Waits until the given nodes have some blocks more than any has now. */
function growth(chain: DevChain, nodes = chain.nodes()): Promise<void> {
  return chain.waitForGrowth(BLOCKS, TIMEOUT_MS, nodes);
}

/** Waits until a transaction is in a block of a node. */
async function mined(chain: DevChain, hash: string, node: number): Promise<void> {
  const bytes = new Uint8Array(hash.slice(2).match(/../g)?.map((hex) => parseInt(hex, 16)) ?? []);
  await waitFor(() => chain.node(node).controller.getTransactionBlockNumber({ hash: bytes }), {
    what: `transaction ${hash}`,
    timeoutMs: TIMEOUT_MS,
  });
}

/** Average distance of the newest blocks of a node, in milliseconds. */
async function blockDistanceMs(chain: DevChain): Promise<number> {
  const { controller } = chain.node(0);
  const { blockNumber: last } = await controller.getBlockNumber({ flag: false });
  const timeOf = async (blockNumber: bigint) =>
    Number((await controller.getBlockByNumber({ blockNumber })).header?.timestamp ?? 0n);
  return (await timeOf(last) - await timeOf(last - BLOCKS)) / Number(BLOCKS);
}

Deno.test("a chain is governed by cldi: interval, brake, validators, admin", async (test) => {
  await using chain = await DevChain.start({ crypto: "eth", nodes: NODES });
  const admin = await Admin.of(chain);
  const sender = await Sender.create(chain);

  await test.step("a new block interval takes effect", async () => {
    const before = await chain.height(0);
    await admin.change("set-block-interval", "1");
    await admin.until("the interval", ({ blockInterval }) => blockInterval === 1);
    await growth(chain);
    await growth(chain);
    assert(await blockDistanceMs(chain) < 2_500, "blocks come faster than every 3 s");
    const { controller } = chain.node(1);
    const then = await controller.getSystemConfigByNumber({ blockNumber: before });
    assert.equal(then.blockInterval, 3);
    const now = await controller.getSystemConfigByNumber({
      blockNumber: await chain.height(1) + 1n,
    });
    assert.equal(now.blockInterval, 1);
  });

  await test.step("the emergency brake refuses transactions while blocks go on", async () => {
    await admin.change("emergency-brake", "on");
    await admin.until("the brake", ({ emergencyBrake }) => emergencyBrake);
    await assert.rejects(sender.send(0), /EmergencyBrake/);
    await growth(chain);
    await admin.change("emergency-brake", "off");
    await admin.until("the end of the brake", ({ emergencyBrake }) => !emergencyBrake);
    await mined(chain, await sender.send(0), 3);
  });

  await test.step("validators are removed live, two at once; they go on as read-only nodes", async () => {
    await admin.setValidators([0, 1]);
    await growth(chain);
    await mined(chain, await sender.send(3), 2);
  });

  await test.step("all nodes restarted at once go on, the read-only ones too", async () => {
    await Promise.all(chain.nodes().map((node) => chain.killNode(node)));
    await Promise.all(chain.nodes().map((node) => chain.startNode(node)));
    await growth(chain);
    await mined(chain, await sender.send(2), 3);
  });

  await test.step("two validators added at once are validators: the chain needs one of them", async () => {
    await admin.setValidators([0, 1, 2, 3]);
    await chain.killNode(1);
    await growth(chain, [0, 2, 3]);
    await chain.startNode(1);
    await growth(chain);
  });

  await test.step("a node catches up whose validators changed while it was away", async () => {
    await chain.killNode(3);
    await admin.setValidators([2, 1, 0]);
    await growth(chain, [0, 1, 2]);
    await admin.setValidators([0, 2, 1]);
    await growth(chain, [0, 1, 2]);
    await chain.startNode(3);
    await growth(chain);
    await admin.setValidators([0, 1, 2, 3]);
    await growth(chain);
  });

  await test.step("a new admin governs, the old one does not any more", async () => {
    await chain.cldi(0, "account", "generate", "--name", "heir");
    const shown = await chain.cldi(0, "account", "export", "heir");
    const [, address = ""] = /"address": "0x([0-9a-f]{40})"/.exec(shown) ?? [];
    await admin.change("update-admin", `0x${address}`);
    await admin.until("the admin", (config) => toHex(config.admin) === address);
    await assert.rejects(admin.change("set-block-interval", "2"), /AdminCheckError/);
    await admin.as("heir").change("set-block-interval", "2");
    await admin.until("the interval", ({ blockInterval }) => blockInterval === 2);
  });

  await growth(chain);
  const executed = await assertNodesAgree(chain);
  for (const hash of sender.accepted) assert(executed.has(hash), `${hash} is in no block`);
});
