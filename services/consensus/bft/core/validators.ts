import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { type AddressHex, encodeBincode, tryRead } from "./bincode.ts";

/** Validators in the order of the configuration, which decides who leads (section 4.1). */
export type ValidatorList = readonly AddressHex[];

/** More than two thirds, in integers so that nothing rounds: 3 of 4, 5 of 7, but not 2 of 3. */
export function isQuorum(count: number, total: number): boolean {
  return count * 3 > total * 2;
}

/** The smallest count that is a quorum. */
export function quorumSize(total: number): number {
  return Math.floor((total * 2) / 3) + 1;
}

/** The leader of a round; null when there are no validators. */
export function leaderOf(
  validators: ValidatorList,
  at: { readonly height: bigint; readonly round: bigint },
): AddressHex | null {
  if (validators.length === 0) return null;
  return validators[Number((at.height + at.round) % BigInt(validators.length))] ?? null;
}

/** The validators now and before their last change (section 6.1). */
export interface Authorities {
  readonly current: ValidatorList;
  /** Empty until the validators change for the first time. */
  readonly previous: ValidatorList;
  /** The last height that `previous` decided. */
  readonly changedAt: bigint;
}

/** Before the first configuration. */
export const NO_AUTHORITIES: Authorities = { current: [], previous: [], changedAt: 0n };

/** Takes over the validators that a configuration of a height names; order counts. */
export function withValidators(
  authorities: Authorities,
  { height, validators }: { readonly height: bigint; readonly validators: ValidatorList },
): Authorities {
  const { current, changedAt } = authorities;
  const isSame = current.length === validators.length &&
    current.every((address, index) => address === validators[index]);
  if (isSame) {
    return height < changedAt ? { current, previous: [], changedAt: height } : authorities;
  }
  // a chain that was rolled back decides anew which lists come after which
  const previous = height < changedAt ? [] : current;
  return { current: validators, previous, changedAt: height };
}

/** Who may have signed the proof of a block of this height; never an empty previous list. */
export function signersAt(authorities: Authorities, height: bigint): ValidatorList {
  const { current, previous, changedAt } = authorities;
  return previous.length > 0 && height <= changedAt ? previous : current;
}

const ADDRESS_SIZE_MIN = 48;

/** Body of the record in the file `authorities_old` (section 6.1). */
export function encodeAuthorities({ current, previous, changedAt }: Authorities): Bytes {
  return encodeBincode((writer) => {
    writer.u64(changedAt);
    for (const list of [current, previous, current]) {
      writer.list(list, (address) => writer.hex(address));
    }
  });
}

/** Reads such a body; null when malformed. */
export function decodeAuthorities(body: Bytes): Authorities | null {
  return tryRead(body, (reader) => {
    const readList = () => reader.list(ADDRESS_SIZE_MIN, () => reader.address());
    const changedAt = reader.u64();
    readList(); // always equal to the last list
    const previous = readList();
    return { changedAt, previous, current: readList() };
  });
}
