/**
 * Stands in for a controller: answers what devnet asks, with a height that grows by itself.
 *
 * @module
 */

import { RPCServiceService } from "../../../proto/gen/controller.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { defineTable, loadDocument, port, readTable } from "../../../shared/config/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../../shared/rpc/mod.ts";

const TABLE = defineTable("controller", { controller_port: port({ doc: "listens here" }) });
const BLOCK_INTERVAL_MS = 50;

const { getBlockNumber, getBlockHash, getBlockByNumber, getPeerCount, getProofByNumber } =
  RPCServiceService;
const faked = { getBlockNumber, getBlockHash, getBlockByNumber, getPeerCount, getProofByNumber };
const startMs = SYSTEM_CLOCK.monotonicMs();

Deno.stderr.writeSync(new TextEncoder().encode("this is a fake\n"));
await serveGrpc({
  host: "127.0.0.1",
  port: readTable(TABLE, loadDocument("config.toml")).controller_port,
  log: SILENT_LOGGER,
  services: [
    grpcService(faked, {
      getBlockNumber: () => {
        const height = Math.floor((SYSTEM_CLOCK.monotonicMs() - startMs) / BLOCK_INTERVAL_MS);
        return Promise.resolve({ blockNumber: BigInt(height) });
      },
      getBlockHash: () => Promise.resolve({ hash: new Uint8Array(32).fill(7) }),
      getBlockByNumber: () => {
        const body = { txHashes: [new Uint8Array(32), new Uint8Array(32)] };
        return Promise.resolve({ version: 0, header: undefined, body });
      },
      getPeerCount: () => Promise.resolve({ peerCount: 3n }),
      getProofByNumber: () => Promise.resolve({ proof: new Uint8Array(29).fill(5, 8, 9) }),
    }),
  ],
});
