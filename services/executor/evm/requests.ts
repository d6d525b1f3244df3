import {
  type AccountRequest,
  type BlockNumber,
  type GetStorageAtRequest,
} from "../../../proto/gen/evm.ts";
import { Address } from "../../../proto/gen/common.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../shared/block/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import { RpcCode, RpcError } from "../../../shared/rpc/mod.ts";
import { checkSize } from "../fields.ts";
import type { BlockLabel } from "./chain/block_number.ts";

/** An account at a block. */
export interface AccountPlace {
  readonly address: Bytes;
  /** The block after which to read, null for the last one: what clients of 6.3 ask for. */
  readonly block: BlockLabel | null;
}

/**
 * Reads a query for an account of either version, as the comment of `AccountRequest` tells them
 * apart; an encoded address of 6.7 has 22 bytes, and a block beside it.
 *
 * @throws {RpcError} with the text of 6.7 for a part that is missing
 * @throws {FieldError} for an address of another size
 */
export function readAccountRequest({ address, blockNumber }: AccountRequest): AccountPlace {
  if (address.length === 0) throw noneError("Address");
  if (address.length === ADDRESS_SIZE && blockNumber === undefined) return { address, block: null };
  const inner = tryDecode(Address, address)?.address ?? address;
  checkSize("address", inner, ADDRESS_SIZE);
  return { address: inner, block: readBlockNumber(blockNumber) };
}

/** A slot of an account at a block. */
export interface SlotPlace extends AccountPlace {
  /** 32 bytes, big-endian. */
  readonly position: Bytes;
}

/** Reads a query for a slot; throws as {@linkcode readAccountRequest} does. */
export function readSlotRequest(request: GetStorageAtRequest): SlotPlace {
  const { address, position, blockNumber } = request;
  if (address === undefined) throw noneError("Address");
  if (position === undefined) throw noneError("Position");
  const block = readBlockNumber(blockNumber);
  checkSize("address", address.address, ADDRESS_SIZE);
  checkSize("position", position.hash, HASH_SIZE);
  return { address: address.address, position: position.hash, block };
}

/** The name of a block; the reference ends its process on one that names none. */
export function readBlockNumber(blockNumber: BlockNumber | undefined): BlockLabel {
  if (blockNumber?.label === undefined) throw noneError("Block number");
  return blockNumber.label;
}

function noneError(part: string): RpcError {
  return new RpcError(RpcCode.InvalidArgument, `${part} is none`);
}
