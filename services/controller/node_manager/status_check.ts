import type { ChainStatus } from "../../../proto/gen/sync.ts";
import { ADDRESS_SIZE } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";

/** Length of the address in a status: 104 when absent, 103 when it is not one. */
export function checkStatusAddress({ address }: ChainStatus): StatusCode {
  if (address === undefined) return StatusCode.NoProvideAddress;
  return address.address.length === ADDRESS_SIZE
    ? StatusCode.Success
    : StatusCode.ProvideAddressError;
}

/**
 * Whether two nodes follow the same rules: 134 when chain ids differ, or versions at the same
 * height. At different heights the nodes may be on both sides of a change of the version (13.1), and
 * the lower one has to learn of the higher one: else it would stay behind for good.
 */
export function checkSameChain(remote: ChainStatus, own: ChainStatus): StatusCode {
  const isSameVersion = remote.version === own.version || remote.height !== own.height;
  return isSameVersion && equalBytes(remote.chainId, own.chainId)
    ? StatusCode.Success
    : StatusCode.VersionOrIdCheckError;
}

/** Whether a node has the same block at its height as this one: 135 when not. */
export function checkSameBlock(remote: ChainStatus, ownHash: Bytes): StatusCode {
  // a status without a hash kills the reference
  return remote.hash !== undefined && equalBytes(remote.hash.hash, ownHash)
    ? StatusCode.Success
    : StatusCode.HashCheckError;
}

/**
 * Whether a node with such a code is on another chain for good. One that differs in the version only
 * may have read its status at the moment of a change: the reference bans its honest peers then.
 */
export function isForeignChain(
  code: StatusCode,
  remote: ChainStatus,
  own: ChainStatus,
): boolean {
  if (code === StatusCode.HashCheckError) return true;
  return code === StatusCode.VersionOrIdCheckError && !equalBytes(remote.chainId, own.chainId);
}
