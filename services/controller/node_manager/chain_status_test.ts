import assert from "node:assert/strict";
import { ChainStatus, ChainStatusRespond } from "../../../proto/gen/sync.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";

const ADDRESS = fromHex("262a554f4a34884aa1c2ec04786349ee9c62fb98");

Deno.test("ChainStatus and its refusal are encoded as V10 (spec/protocol.md, section 14)", async () => {
  const status: ChainStatus = {
    version: 0,
    chainId: fromHex("63586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4"),
    height: 0n,
    hash: { hash: fromHex("f049ea0686771ec3db291ef03a411d371224c679772352698fa7e769721fb868") },
    address: { address: ADDRESS },
  };
  const bytes = encode(ChainStatus, status);
  assert.equal(
    toHex(bytes),
    "122063586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4" +
      "22220a20f049ea0686771ec3db291ef03a411d371224c679772352698fa7e769721fb868" +
      "2a160a14262a554f4a34884aa1c2ec04786349ee9c62fb98",
  );
  assert.equal(
    toHex((await loadSm3())(bytes)),
    "7117d4fe36afa90f9c21a0a87f39f8863e9b173932690ca0583d248d58b772be",
  );
  const refusal = { respond: { $case: "notSameChain", value: { address: ADDRESS } } } as const;
  assert.equal(
    toHex(encode(ChainStatusRespond, refusal)),
    "0a160a14262a554f4a34884aa1c2ec04786349ee9c62fb98",
  );
});
