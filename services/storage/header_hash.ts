import type { KmsServiceService } from "../../proto/gen/kms.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { type RpcClient, RpcFault } from "../../shared/rpc/mod.ts";
import { codeOf, StatusCode } from "../../shared/status/mod.ts";
import type { Outcome } from "./outcome.ts";

/** Hashes an encoded block header with the hash function of the chain. */
export type HeaderHash = (header: Bytes) => Promise<Outcome<Bytes>>;

/** What {@linkcode kmsHeaderHash} needs. */
export interface KmsHeaderHashDeps {
  readonly kms: Pick<RpcClient<typeof KmsServiceService>, "hashData">;
  readonly log: Logger;
}

/** Asks the kms, the only service that knows the hash function (spec/storage_kms.md A4, step 3). */
export function kmsHeaderHash({ kms, log }: KmsHeaderHashDeps): HeaderHash {
  let isAway = false;
  return async (data) => {
    try {
      const { status, hash } = await kms.hashData({ data });
      isAway = false;
      const code = codeOf(status);
      if (code !== StatusCode.Success) return { code };
      if (hash === undefined) return { code: StatusCode.NoneHashResult };
      return { code, value: hash.hash };
    } catch (cause) {
      if (!(cause instanceof RpcFault)) throw cause;
      // while the kms is away the controller tries again and again: the reason is told once
      if (!isAway) log.warn("the kms cannot hash a block header", { cause });
      isAway = true;
      return { code: StatusCode.KmsServerNotReady };
    }
  };
}
