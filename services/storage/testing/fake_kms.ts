import type { HashResponse } from "../../../proto/gen/common.ts";
import { KmsServiceService } from "../../../proto/gen/kms.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { grpcService, type RpcServer, serveGrpc } from "../../../shared/rpc/mod.ts";
import { fakeHeaderHash } from "./builders.ts";

/** The one call of the kms that the storage makes. */
const HASH_SERVICE = { hashData: KmsServiceService.hashData };

/** A kms that hashes with `answer`, by default as {@linkcode fakeHeaderHash} does. */
export function serveFakeKms(
  answer: (data: Bytes) => Promise<HashResponse> = hashLikeFake,
  port = 0,
): Promise<RpcServer> {
  const services = [grpcService(HASH_SERVICE, { hashData: ({ data }) => answer(data) })];
  return serveGrpc({ host: "127.0.0.1", port, services, log: SILENT_LOGGER });
}

async function hashLikeFake(data: Bytes): Promise<HashResponse> {
  const hashed = await fakeHeaderHash(data);
  return {
    status: { code: hashed.code },
    hash: hashed.code === 0 ? { hash: hashed.value } : undefined,
  };
}
