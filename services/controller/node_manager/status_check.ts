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

/** Whether two nodes follow the same rules: 134 when version or chain id differ. */
export function checkSameChain(remote: ChainStatus, own: ChainStatus): StatusCode {
  return remote.version === own.version && equalBytes(remote.chainId, own.chainId)
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
 * What to do with a node that does not follow the same chain. While only the version differs the
 * nodes are on both sides of its change (13.1): the reference bans its honest peers then.
 */
export function isForeignChain(
  code: StatusCode,
  remote: ChainStatus,
  own: ChainStatus,
): boolean {
  if (code === StatusCode.HashCheckError) return true;
  return code === StatusCode.VersionOrIdCheckError && !equalBytes(remote.chainId, own.chainId);
}
