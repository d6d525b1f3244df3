import assert from "node:assert/strict";
import { originOf } from "./origin.ts";

/** The table of spec/network.md, section 10. */
const ORIGINS: readonly (readonly [host: string, port: number, origin: bigint])[] = [
  ["localhost", 40000, 7514416752974931611n],
  ["localhost", 40001, 958413111959553575n],
  ["127.0.0.1", 40000, 4594332860128379054n],
  ["127.0.0.1", 40001, 12478202784828810648n],
  ["a", 1, 3087017479331867398n],
  ["", 0, 9553547284621176533n],
];

Deno.test("originOf() hashes host and port as the reference does", () => {
  for (const [host, port, origin] of ORIGINS) assert.equal(originOf({ host, port }), origin);
});
