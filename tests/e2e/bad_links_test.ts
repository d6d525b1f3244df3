import assert from "node:assert/strict";
import { labTest } from "../netlab/mod.ts";
import { LabChain } from "./lab_chain.ts";
import { Sender } from "./sender.ts";

const INTERVAL_MS = 3_000;

/** 100 ms for a round trip, 2 % of the packets of each direction lost. */
const LINK = { delayMs: 50, jitterMs: 5, loss: 0.02, reorder: 0.01, bitsPerSecond: 50_000_000 };
const SEED = 8;

/** Heights in which nodes that started apart come into step, then those that are measured. */
const FIRST_HEIGHT = 4n;
const LAST_HEIGHT = 19n;
const BLOCKS_TIMEOUT_MS = 75_000;

/** Then a node is cut off for some blocks; without an answer TCP tries again in ever longer steps. */
const CUT_NODE = 3;
const OTHERS = [0, 1, 2];
const CUT_BLOCKS = 4n;
const CATCH_UP_TIMEOUT_MS = 40_000;

const MEAN_TOLERANCE_MS = 300;
const INTERVAL_MS_MAX = 2 * INTERVAL_MS;

for (const network of ["p2p", "tls", "quic"]) {
  labTest(
    `four nodes keep the block interval with network_${network} at 100 ms RTT and 2 % loss, and one catches up that was cut off`,
    async () => {
      await using chain = await LabChain.start({ nodes: 4, network, link: LINK, seed: SEED });
      const sender = await Sender.create(chain);
      const stop = new AbortController();
      const sending = sender.sendUntil(stop.signal, () => OTHERS);
      await chain.waitForHeight(LAST_HEIGHT, BLOCKS_TIMEOUT_MS);
      const intervalsMs = await chain.intervalsMs(FIRST_HEIGHT, LAST_HEIGHT);
      const meanMs = intervalsMs.reduce((sum, ms) => sum + ms, 0) / intervalsMs.length;
      const worstMs = Math.max(...intervalsMs);
      const { sent, arrived } = chain.lab.counts();
      const what = `mean ${meanMs.toFixed(0)} ms, worst ${worstMs} ms over ${intervalsMs.length} ` +
        `blocks with ${sender.accepted.size} transactions; ${arrived} of ${sent} packets arrived (seed ${SEED})`;
      console.log(what);
      assert(arrived < 0.99 * sent && arrived > 0.96 * sent, `the links are bad: ${what}`);
      assert(Math.abs(meanMs - INTERVAL_MS) < MEAN_TOLERANCE_MS, what);
      assert(worstMs < INTERVAL_MS_MAX, what);

      for (const node of OTHERS) chain.lab.cut(node, CUT_NODE);
      const height = await chain.height(0);
      await chain.waitForHeight(height + CUT_BLOCKS, BLOCKS_TIMEOUT_MS, OTHERS);
      assert(await chain.height(CUT_NODE) < height + CUT_BLOCKS, "the node is cut off");
      chain.lab.heal();
      await chain.waitForHeight(height + CUT_BLOCKS + 1n, CATCH_UP_TIMEOUT_MS);
      stop.abort();
      await sending;
    },
  );
}
