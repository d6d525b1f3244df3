import { type Bytes, concatBytes, toHex, u32be } from "../../../../shared/bytes/mod.ts";
import { EngineError } from "../../engine.ts";
import type { RecordKey } from "../../regions.ts";

/** Named objects outside of this machine, which other nodes of the chain may share. */
export interface Cloud {
  /** The content of an object, null when there is none; throws a {@linkcode CloudError}. */
  get(name: string): Promise<Bytes | null>;
  /** Writes or replaces an object, which lasts when the promise resolves; throws likewise. */
  put(name: string, content: Bytes): Promise<void>;
  /** Ends the calls under way, which fail, and refuses others. */
  close(): Promise<void>;
}

/** What went wrong, sorted by who can mend it. */
export type CloudErrorReason =
  /** The operator: keys, bucket, permissions, region. */
  | "refused"
  /** Time: the cloud cannot be reached, is busy or fails. */
  | "away";

/** The cloud did not do what it was asked to; the text names the place and the reason. */
export class CloudError extends EngineError {
  override name = "CloudError";

  constructor(readonly reason: CloudErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The name of a record's object (spec/storage_kms.md A10). */
export function objectName({ region, key }: RecordKey): string {
  return toHex(concatBytes(u32be(region), key));
}
