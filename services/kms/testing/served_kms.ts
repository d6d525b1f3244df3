import { KmsServiceService } from "../../../proto/gen/kms.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import type { SuiteName } from "../../../shared/crypto/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { connect, type RpcClient } from "../../../shared/rpc/mod.ts";
import type { KmsConfig } from "../config.ts";
import { KMS_SM_TABLE } from "../sm/config.ts";
import { startKms } from "../start.ts";

type Definition = typeof KmsServiceService;

/** Calls with bytes instead of messages, to see exactly what is on the wire. */
type RawClient = {
  readonly [Method in keyof Definition]: (request: Bytes) => Promise<Bytes>;
};

/** A kms that is served on a port of the system's choice, with its own data folder. */
export interface ServedKms {
  /** Path of the key database. */
  readonly path: string;
  readonly port: number;
  readonly client: RpcClient<Definition>;
  /** Sends a recorded request and gives the response, both in hex. */
  callRaw(method: string, requestHex: string): Promise<string>;
}

/** The values of an empty table, on a port of the system's choice. */
export const KMS_DEFAULTS: KmsConfig = {
  ...readTable(KMS_SM_TABLE, parseDocument("[kms_sm]", "config.toml")),
  kms_port: 0,
};

/** How to serve. */
export interface ServeKmsOptions {
  readonly suite: SuiteName;
  /** Copied to be the key database; a new one is made otherwise. */
  readonly database?: URL;
  /** Values other than those of {@linkcode KMS_DEFAULTS}. */
  readonly config?: Partial<KmsConfig>;
  readonly log?: Logger;
}

/** Serves a kms while `test` runs. */
export async function withServedKms(
  { suite, database, config: values = {}, log = SILENT_LOGGER }: ServeKmsOptions,
  test: (kms: ServedKms) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/kms.db`;
  if (database !== undefined) await Deno.copyFile(database, path);
  const config = { ...KMS_DEFAULTS, db_path: path, ...values };
  const kms = await startKms(suite, { config, clock: SYSTEM_CLOCK, log });
  const { port } = kms;
  const client = connect(KmsServiceService, { port });
  const raw = connectRaw(port);
  const callRaw = async (method: string, requestHex: string) => {
    const name = method.slice(method.lastIndexOf("/") + 1);
    const call = raw[`${name.charAt(0).toLowerCase()}${name.slice(1)}` as keyof Definition];
    return toHex(await call(fromHex(requestHex)));
  };
  try {
    await test({ path, port, client, callRaw });
  } finally {
    client.close();
    raw.close();
    await kms.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

function connectRaw(port: number): RawClient & { close(): void } {
  const methods = Object.entries(KmsServiceService).map(([name, method]) => [name, {
    ...method,
    requestSerialize: (bytes: Bytes) => bytes,
    responseDeserialize: (bytes: Bytes) => bytes,
  }]);
  return connect(Object.fromEntries(methods), { port }) as unknown as
    & RawClient
    & { close(): void };
}
