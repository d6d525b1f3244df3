import assert from "node:assert/strict";
import { codeOf, StatusCode, statusFromWire, statusName } from "./mod.ts";

Deno.test("statusName() names codes as gRPC error texts of users hold them", () => {
  assert.equal(statusName(101), "BannedNode");
  assert.equal(statusName(104), "NoProvideAddress");
  assert.equal(statusName(606), "LoadError");
  assert.equal(statusName(65535), "ConvertIntError");
});

Deno.test("statusFromWire() reads unknown numbers as ConvertIntError", () => {
  assert.equal(statusFromWire(601), StatusCode.NotFound);
  assert.equal(statusFromWire(154), StatusCode.ConvertIntError);
});

Deno.test("codeOf() reads an absent status as NoneStatusCode", () => {
  assert.equal(codeOf(undefined), StatusCode.NoneStatusCode);
  assert.equal(codeOf({ code: 0 }), StatusCode.Success);
});

Deno.test("StatusCode has every number once", () => {
  const codes = Object.values(StatusCode);
  assert.equal(new Set(codes).size, codes.length);
});
