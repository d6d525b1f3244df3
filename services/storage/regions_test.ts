import assert from "node:assert/strict";
import fc from "fast-check";
import { StatusCode } from "../../shared/status/mod.ts";
import { checkKey, checkRecord, REGIONS } from "./regions.ts";

const anyRegion = fc.oneof(fc.integer({ min: 0, max: 14 }), fc.constant(2 ** 32 - 1));
const anySize = fc.oneof(fc.constantFrom(0, 7, 8, 9, 31, 32, 33), fc.integer({ min: 0, max: 70 }));

Deno.test("checkRecord() checks region, then key, then value", () => {
  fc.assert(fc.property(anyRegion, anySize, anySize, (region, keySize, valueSize) => {
    const key = new Uint8Array(keySize);
    const code = checkRecord({ region, key, value: new Uint8Array(valueSize) });
    const wantedKeySize = [1, 7, 8, 9].includes(region) ? 32 : 8;
    const wantedValueSize = { 4: 32, 6: 32, 7: 8, 8: 8 }[region] ?? valueSize;
    const wanted = region >= 12
      ? StatusCode.InvalidRegion
      : keySize !== wantedKeySize
      ? StatusCode.InvalidKey
      : valueSize !== wantedValueSize
      ? StatusCode.InvalidValue
      : StatusCode.Success;
    assert.equal(code, wanted);
    assert.equal(
      checkKey(region, key),
      wanted === StatusCode.InvalidValue ? StatusCode.Success : wanted,
    );
  }));
});

Deno.test("REGIONS has the twelve regions of 6.3.3", () => {
  assert.equal(REGIONS.length, 12);
});
