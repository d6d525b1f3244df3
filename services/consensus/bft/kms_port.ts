import { KmsServiceService } from "../../../proto/gen/kms.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import type { SuiteName } from "../../../shared/crypto/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { connect, type RpcClient } from "../../../shared/rpc/mod.ts";
import { codeOf, StatusCode, statusName } from "../../../shared/status/mod.ts";
import { Link } from "../link.ts";

/** Signs with the node's key, which only the kms has. */
export interface KmsPort {
  /** Waits for the kms and names its algorithms; null when the signal aborted the wait. */
  waitUntilReady(signal: AbortSignal): Promise<SuiteName | null>;
  /** A signature of a 32-byte hash; null when the kms gives none. */
  sign(hash: Bytes): Promise<Bytes | null>;
  close(): void;
}

/** What a port to the kms is made of. */
export interface KmsPortOptions {
  readonly port: number;
  readonly keyId: bigint;
  readonly retryMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const DEADLINE_MS = 5_000;

/** The first pause of a wait for the kms; they double up to the configured one. */
const RETRY_FIRST_MS = 100;

/** Connects to the kms of this host; a restarted one is found again. */
export function connectKms(options: KmsPortOptions): KmsPort {
  return new GrpcKmsPort(options);
}

class GrpcKmsPort implements KmsPort {
  readonly #client: RpcClient<KmsServiceService>;
  readonly #link: Link;

  constructor(readonly options: KmsPortOptions) {
    this.#client = connect(KmsServiceService, {
      port: options.port,
      deadlineMs: DEADLINE_MS,
      clientName: "consensus",
    });
    this.#link = new Link("kms", options.log);
  }

  async waitUntilReady(signal: AbortSignal): Promise<SuiteName | null> {
    const { clock, log, retryMs } = this.options;
    let isTold = false;
    // services of a node start together: most are ready within a moment
    for (let delayMs = RETRY_FIRST_MS; !signal.aborted; delayMs = Math.min(2 * delayMs, retryMs)) {
      const info = await this.#link.call(() => this.#client.getCryptoInfo({}));
      if (info !== null && codeOf(info.status) === StatusCode.Success) {
        log.info(`kms(${info.name}) is ready!`);
        if (info.name === "sm" || info.name === "eth") return info.name;
        throw new Error(`Cannot use the kms: its name must be "sm" or "eth", got "${info.name}"`);
      }
      if (!isTold) log.warn("kms not ready! Retrying");
      isTold = true;
      await clock.sleep(delayMs, signal);
    }
    return null;
  }

  async sign(hash: Bytes): Promise<Bytes | null> {
    const { keyId, log } = this.options;
    const response = await this.#link.call(() => this.#client.signMessage({ keyId, msg: hash }));
    if (response === null) return null;
    const code = codeOf(response.status);
    if (code === StatusCode.Success) return response.signature;
    log.error(`the kms does not sign with key ${keyId}: ${statusName(code)}`);
    return null;
  }

  close(): void {
    this.#client.close();
  }
}
