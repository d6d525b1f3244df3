/**
 * Status codes of 6.3.3, as they travel in `common.StatusCode` (spec/protocol.md, section 12), and
 * those of `crypto.CryptoService`, which 6.5 numbered anew.
 *
 * @module
 */

export { CryptoStatusCode, toCryptoStatus } from "./crypto_status.ts";
export { codeOf, StatusCode, StatusError, statusFromWire, statusName } from "./status_code.ts";
