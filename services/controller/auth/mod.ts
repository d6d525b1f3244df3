/**
 * Which transactions a chain accepts (spec/controller.md, 8). Pure: signatures are verified by the
 * kms, everything else is decided here.
 *
 * @module
 */

export { checkFields, checkQuota, checkSingleFields, type Rules } from "./check.ts";
export { checkDigest, type DigestRules } from "./digest.ts";
export { History } from "./history.ts";
export { sameTransaction } from "./same.ts";
