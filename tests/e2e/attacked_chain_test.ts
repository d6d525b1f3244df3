import assert from "node:assert/strict";
import { peakResidentBytes } from "../memory.ts";
import { labTest } from "../netlab/mod.ts";
import { LabChain } from "./lab_chain.ts";

const INTERVAL_MS = 3_000;
/** A round that is lost costs less than one interval, and there are few blocks. */
const MEAN_TOLERANCE_MS = 400;
const INTERVAL_MS_MAX = 2 * INTERVAL_MS;

const LINK = { delayMs: 2, bitsPerSecond: 200_000_000 };
const SEED = 8;

/** The chain has nodes 0 to 3; a stranger is in the same network. */
const NODES = 4;
const STRANGER = 4;

const ATTACK_SECONDS = 20;
const FIRST_HEIGHT = 4n;
const TIMEOUT_MS = 60_000;

/** For the network service of the attacked node, with 10,000 connections that say nothing. */
const MEMORY_MAX = 600 * 1024 * 1024;

for (const network of ["p2p", "tls", "quic"]) {
  labTest(
    `four nodes with network_${network} keep the block interval while a stranger attacks one`,
    async () => {
      const options = { nodes: NODES, strangers: 1, network, link: LINK, seed: SEED };
      await using chain = await LabChain.start(options);
      await chain.waitForHeight(FIRST_HEIGHT, TIMEOUT_MS);
      const { port, pid } = chain.network(0);
      const program = new URL("../interop/raw_peer/attack.ts", import.meta.url).pathname;
      const target = [network, chain.lab.address(0), String(port)];
      const summary = await chain.lab.run(STRANGER, [
        Deno.execPath(),
        ...["run", "-A", "--no-check", "--quiet", "--unstable-net", program],
        ...[...target, String(ATTACK_SECONDS)],
      ]);
      const intervalsMs = await chain.intervalsMs(FIRST_HEIGHT, await chain.height(0));
      const meanMs = intervalsMs.reduce((sum, ms) => sum + ms, 0) / intervalsMs.length;
      const memory = peakResidentBytes(pid);
      const what = `mean ${meanMs.toFixed(0)} ms, worst ${Math.max(...intervalsMs)} ms over ` +
        `${intervalsMs.length} blocks, ${memory >> 20} MB; ${summary.trim()}`;
      console.log(what);
      assert(intervalsMs.length >= ATTACK_SECONDS * 1_000 / INTERVAL_MS - 2, what);
      assert(Math.abs(meanMs - INTERVAL_MS) < MEAN_TOLERANCE_MS, what);
      assert(Math.max(...intervalsMs) < INTERVAL_MS_MAX, what);
      assert(memory > 0 && memory < MEMORY_MAX, what);
      assert.equal(chain.network(0).pid, pid, "the service lives");
      await chain.waitForHeight(await chain.height(0) + 1n, TIMEOUT_MS);
    },
  );
}
