import assert from "node:assert/strict";
import { seededRandom, SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { ROLES } from "./follower.ts";
import { expectAll, withFollower } from "./sync_trial.ts";

/** Seed of the moments of the kills, and how many there are. */
const KILL_SEED = Number(Deno.env.get("KILL_SEED") ?? 1);
const KILLS = Number(Deno.env.get("KILLS") ?? 5);

/** Ten blocks are applied within a few tenths of a second: most kills come in between. */
const KILL_WITHIN_MS = 300;

Deno.test("a node whose roles are killed while it syncs comes to the recorded chain", async () => {
  await withFollower(async (trial) => {
    const { follower, chain, validator } = trial;
    const random = seededRandom(KILL_SEED);
    const peer = trial.newPeer(validator);
    for (let kill = 1; kill <= KILLS; kill++) {
      // half of the kills hit the whole node, the others one role
      const role = ROLES[Math.floor(2 * random() * ROLES.length)];
      const roles = role === undefined ? ROLES : [role];
      await peer.announce(await trial.sign(validator, BigInt(Math.floor(46 * kill / KILLS))));
      await SYSTEM_CLOCK.sleep(KILL_WITHIN_MS * random());
      await follower.killRoles(roles);
      await follower.startRoles(roles);
    }
    await peer.announce(chain.lastStatus);
    await follower.waitForHeight(46n);
    follower.network.isAlone = true;
    await expectAll(follower, [...chain.loadsAt46, ...chain.lastingCalls, ...chain.newerCalls]);
    assert.deepEqual(await follower.stop(), [0, 0, 0, 0]);
  });
});
