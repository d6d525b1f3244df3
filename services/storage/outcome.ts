import type { StatusCode } from "../../shared/status/mod.ts";

/** A value, or the code with which the protocol refuses to give one. */
export type Outcome<Value> =
  | { readonly code: typeof StatusCode.Success; readonly value: Value }
  | { readonly code: Exclude<StatusCode, typeof StatusCode.Success> };
