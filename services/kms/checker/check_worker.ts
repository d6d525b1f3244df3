/**
 * A thread of the checker: decodes transactions, hashes them and verifies their signatures.
 *
 * @module
 */

import { assert } from "../../../shared/assert/mod.ts";
import { useStrictUtf8 } from "../../../shared/codec/mod.ts";
import { type CryptoSuite, loadSuite } from "../../../shared/crypto/mod.ts";
import { serveWorker } from "../../../shared/workers/mod.ts";
import { checkChunk } from "./core/check_chunk.ts";
import type { CheckRequest, CheckResponse } from "./messages.ts";

let suite: CryptoSuite | null = null;

async function answer(request: CheckRequest): Promise<CheckResponse> {
  switch (request.kind) {
    case "open":
      suite = await loadSuite(request.suite);
      return { kind: "opened" };
    case "check": {
      const opened = suite;
      assert(opened !== null, "A worker is opened first");
      const reports = request.chunks.map((chunk) => checkChunk(opened, chunk));
      return { kind: "checked", reports };
    }
  }
}

useStrictUtf8();
serveWorker(answer);
