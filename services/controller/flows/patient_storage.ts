import { type Bytes, to0xHex } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { StoreRecord } from "../chain/mod.ts";
import type { StoragePort } from "../ports.ts";
import { ChainDataError, MEND_STORAGE } from "./chain_data.ts";
import { type RetryOptions, untilReady, warnOfChange } from "./retry.ts";

/** Storage during the start: waits for as long as the service is away. */
export class PatientStorage {
  readonly #port: StoragePort;
  readonly #log: Logger;
  readonly #retry: RetryOptions;

  constructor(port: StoragePort, log: Logger, retry: RetryOptions) {
    this.#port = port;
    this.#log = log;
    this.#retry = retry;
  }

  /**
   * The value, or null when there is none.
   *
   * @throws {ChainDataError} when the storage cannot decode what it has: waiting would not help
   */
  async load(region: number, key: Bytes): Promise<Bytes | null> {
    const warn = warnOfChange(this.#log);
    const { code, value } = await untilReady(async () => {
      const loaded = await this.#port.load(region, key);
      switch (loaded.code) {
        case StatusCode.Success:
        case StatusCode.NotFound:
          return loaded;
        case StatusCode.DecodeError:
        case StatusCode.EncodeError:
          throw new ChainDataError(
            `Cannot use the stored chain: the storage answers ${statusName(loaded.code)} for ` +
              `region ${region}, key ${to0xHex(key)}`,
            MEND_STORAGE,
          );
      }
      warn(`load region ${region} failed: ${statusName(loaded.code)}! Retrying`);
      return null;
    }, this.#retry);
    return code === StatusCode.Success ? value : null;
  }

  /** Resolves once the record is on disk. */
  async store(record: StoreRecord): Promise<void> {
    const warn = warnOfChange(this.#log);
    await untilReady(async () => {
      const code = await this.#port.store(record);
      if (code === StatusCode.Success) return true;
      warn(`store region ${record.region} failed: ${statusName(code)}! Retrying`);
      return null;
    }, this.#retry);
  }
}
